import { groupKeySchema } from '../../protocol/groups/group-key.ts';
import { GROUP_KEY_TOKENS } from '../../protocol/groups/group-key-chain.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { Reader } from '../directory/handle.ts';
import { type Group, groupTokens } from './group-store.ts';

/**
 * Since when a durable group's private halves are older than `life`, if they are; all in seconds, and a `life` of 0 for
 * however old.
 */
export async function rotationDueSince(
  reader: Reader,
  group: Group,
  { life, now }: { life: number; now: number },
): Promise<number | undefined> {
  const isTooNew = life === 0 || group.created + life > now;
  if (isTooNew || group.kind !== 'durable' || group.status !== 'active') return undefined;
  const tokens = await groupTokens(reader, group.group_id, { since: 0, limit: GROUP_KEY_TOKENS });
  const stored = tokens.filter(({ token }) => token !== '');
  const made = stored
    .map(({ token }) => decodeClaims(token, 'group-key+jwt', groupKeySchema))
    .find(({ key_version }) => key_version === group.key_version);
  const due = made === undefined ? undefined : made.iat + life;
  return due !== undefined && due <= now ? due : undefined;
}
