import { CountersignError } from '../../protocol/errors.ts';
import type { MeetingParts } from './session.ts';

/** What gives this device another key, where that is wanted. Throws `malformed_request` where the client cannot. */
export function rotationIf(
  isWanted: boolean,
  { rotateDevice }: Pick<MeetingParts, 'rotateDevice'>,
): () => Promise<void> {
  if (!isWanted) return async () => undefined;
  if (rotateDevice !== undefined) return rotateDevice;
  throw new CountersignError('malformed_request', 'this client cannot rotate its device');
}
