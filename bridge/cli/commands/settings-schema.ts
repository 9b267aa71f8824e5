import * as z from 'zod';

/** What the command line reads of a JSON schema (2020-12): enough to give words their types, and to explain them. */
export interface SchemaNode {
  readonly type?: string | readonly string[] | undefined;
  readonly description?: string | undefined;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[] | undefined;
  readonly properties?: Readonly<Record<string, SchemaNode>> | undefined;
  readonly additionalProperties?: SchemaNode | boolean | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: SchemaNode | undefined;
  readonly anyOf?: readonly SchemaNode[] | undefined;
  readonly oneOf?: readonly SchemaNode[] | undefined;
  readonly allOf?: readonly SchemaNode[] | undefined;
}

export const schemaNode: z.ZodType<SchemaNode> = z.lazy(() =>
  z.object({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    description: z.string().optional(),
    default: z.unknown().optional(),
    const: z.unknown().optional(),
    enum: z.array(z.unknown()).optional(),
    properties: z.record(z.string(), schemaNode).optional(),
    additionalProperties: z.union([z.boolean(), schemaNode]).optional(),
    required: z.array(z.string()).optional(),
    items: schemaNode.optional(),
    anyOf: z.array(schemaNode).optional(),
    oneOf: z.array(schemaNode).optional(),
    allOf: z.array(schemaNode).optional(),
  }),
);

/** The members that an object may have, in any of the forms that it may take. */
export function schemaProperties(schema: SchemaNode): Readonly<Record<string, SchemaNode>> {
  return Object.assign({}, schema.properties, ...alternatives(schema).map(schemaProperties));
}

/** The schema of one member; of any name, where the object takes any. */
export function schemaAt(schema: SchemaNode, name: string): SchemaNode | undefined {
  const known = schemaProperties(schema)[name];
  if (known !== undefined) return known;
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** The JSON types that a value may have. */
export function typesOf(schema: SchemaNode): ReadonlySet<string> {
  const own = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  return new Set([...own, ...alternatives(schema).flatMap((each) => [...typesOf(each)])]);
}

/** What may be written there, in words: `true or false`, the words to choose from, or the type. */
export function describeType(schema: SchemaNode): string {
  const words = schemaWords(schema);
  if (words.length > 0) return words.join(' or ');
  const types = typesOf(schema);
  if (types.has('array')) return 'list';
  if (types.has('object')) return 'name.key=value';
  if (types.has('boolean')) return 'true or false';
  if (types.has('integer') || types.has('number')) return 'number';
  return 'text';
}

function schemaWords(schema: SchemaNode): string[] {
  const own = [...(schema.enum ?? []), ...(schema.const === undefined ? [] : [schema.const])];
  return [...own.map(String), ...alternatives(schema).flatMap(schemaWords)];
}

function alternatives({ anyOf = [], oneOf = [], allOf = [] }: SchemaNode): readonly SchemaNode[] {
  return [...anyOf, ...oneOf, ...allOf];
}
