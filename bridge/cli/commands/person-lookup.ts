import * as z from 'zod';
import { CountersignError } from '../../../protocol/errors.ts';
import type { ApiClient } from '../api-client.ts';

export const summarySchema = z.object({
  sub: z.string(),
  status: z.string(),
  name: z.string().nullable(),
  assurance: z.string(),
  created: z.int(),
  addresses: z.array(z.string()),
});

export const overviewSchema = summarySchema.extend({
  statements: z.array(
    z.object({
      address: z.string(),
      version: z.int(),
      keyVersion: z.int(),
      status: z.string(),
      since: z.int(),
    }),
  ),
  devices: z.array(z.object({ id: z.string(), label: z.string(), added: z.int(), lastSeen: z.int() })),
});

export function pathOfPerson(sub: string): string {
  return `/admin/v1/persons/${encodeURIComponent(sub)}`;
}

/** The id of whoever holds an address; an id is its own answer. */
export async function findSub(api: ApiClient, who: string): Promise<string> {
  if (!who.includes('@')) return who;
  const path = `/admin/v1/persons?address=${encodeURIComponent(who)}`;
  const { persons } = await api.get(path, z.object({ persons: z.array(summarySchema) }));
  const [person] = persons;
  if (person === undefined)
    throw new CountersignError('person_unknown', `Nobody holds the address ${who} now.`);
  return person.sub;
}
