import * as z from 'zod';

const read = new WeakMap<z.ZodObject, ReadonlyMap<string, boolean>>();
const NOTHING_KNOWN: ReadonlyMap<string, boolean> = new Map();

/** Of each member that the schema has, whether it is marked as personal data (event-text.ts). */
export function personalMembers(schema: z.ZodObject | undefined): ReadonlyMap<string, boolean> {
  if (schema === undefined) return NOTHING_KNOWN;
  const known = read.get(schema);
  if (known !== undefined) return known;
  const marks = new Map(Object.entries(schema.shape).map(([name, member]) => [name, isPersonal(member)]));
  read.set(schema, marks);
  return marks;
}

/** Whether the mark stands on the schema, or anywhere within it. */
function isPersonal(schema: z.core.$ZodType): boolean {
  if (z.globalRegistry.get(schema)?.personal === true) return true;
  return within(schema).some(isPersonal);
}

function within(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return [schema.unwrap()];
  if (schema instanceof z.ZodArray) return [schema.element];
  if (schema instanceof z.ZodObject) return Object.values(schema.shape);
  if (schema instanceof z.ZodUnion) return schema.options;
  return [];
}
