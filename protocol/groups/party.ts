import * as z from 'zod/mini';
import { digest, entityId, id } from '../claims.ts';

/** A group or a person, of any company, by name. */
export const partySchema = z.union([
  z.strictObject({ iss: entityId, group: digest }),
  z.strictObject({ iss: entityId, sub: id }),
]);

export type Party = z.infer<typeof partySchema>;

export function sameParty(left: Party, right: Party): boolean {
  if (left.iss !== right.iss) return false;
  return 'group' in left
    ? 'group' in right && left.group === right.group
    : 'sub' in right && left.sub === right.sub;
}
