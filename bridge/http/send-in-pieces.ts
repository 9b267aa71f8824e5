import type { ServerResponse } from 'node:http';
import { SENT_PIECE_BYTES } from '../lib/limits.ts';

/** Whether a body is worth it. */
export function isLong(body: string | Uint8Array): body is Uint8Array {
  return typeof body !== 'string' && body.length > SENT_PIECE_BYTES;
}

/**
 * Sends a long body, whose header is set, by pieces as its reader takes them. Given to the socket as a whole it is copied
 * behind the header, and all of it stands in memory once more, encrypted, until a slow reader has the last of it.
 */
export function sendInPieces(response: ServerResponse, body: Uint8Array): void {
  let sent = 0;
  function go(): void {
    for (;;) {
      const piece = body.subarray(sent, sent + SENT_PIECE_BYTES);
      sent += piece.length;
      if (sent === body.length) {
        response.end(piece);
        return;
      }
      if (!response.write(piece)) {
        // A reader who has gone away takes nothing any more: then nobody goes on.
        response.once('drain', go);
        return;
      }
    }
  }
  go();
}
