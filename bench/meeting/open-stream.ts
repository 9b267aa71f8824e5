import type { IncomingMessage } from 'node:http';
import type { Peer } from '../look-up/kept-connection.ts';
import type { Attendant } from './crowd.ts';
import { askAsDevice } from './device-request.ts';

/** A bridge, and the meeting that is asked of it. */
export interface StreamAt {
  readonly peer: Peer;
  readonly meeting: { readonly iss: string; readonly group: string };
}

/**
 * Opens a device's stream of what comes after `since`, over a connection of its own. `onError` is told what goes wrong
 * afterwards.
 */
export async function openStream(
  { peer, meeting, since }: StreamAt & { readonly since: number },
  attendant: Attendant,
  number: number,
  onError: (reason: string) => void,
): Promise<IncomingMessage> {
  const wanted = { peer, path: '/v1/meetings/stream', body: { ...meeting, since } };
  const { sent, response } = await askAsDevice(wanted, attendant, number);
  sent.on('error', (error) => onError(error.stack ?? error.message));
  return response;
}
