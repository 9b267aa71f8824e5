import { findDevice } from '../directory/devices.ts';
import type { Reader } from '../directory/handle.ts';
import { type Group, groupTokens } from './group-store.ts';

/** Whether the device that signed the newest key of a living group is nobody’s any more: an admin is to sign it anew. */
export async function isSignerGone(reader: Reader, group: Group): Promise<boolean> {
  if (group.status !== 'active') return false;
  const [newest] = await groupTokens(reader, group.group_id, { since: group.seq, limit: 1 });
  if (newest === undefined) return false;
  return (await findDevice(reader, newest.device_id))?.sub !== newest.sub;
}
