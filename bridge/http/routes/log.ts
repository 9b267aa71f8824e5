import * as z from 'zod';
import { CountersignError } from '../../../protocol/errors.ts';
import { parseTilePath } from '../../../protocol/tlog/tile.ts';
import { COSIGNATURE_BYTES } from '../../lib/limits.ts';
import type { LogPublication } from '../../tlog/log-publication.ts';
import { ANY_MEDIA_TYPE, defineRoute, type Route } from '../route.ts';

const NOTE = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';

/** What was served once under the name of a tile is served there for ever, a partial tile too. */
const FOR_EVER = { 'Cache-Control': 'public, max-age=31536000, immutable' };
const UNTIL_THE_NEXT = { 'Cache-Control': 'no-cache' };

/** The key log as anybody may read and audit it (C2SP tlog-tiles), and where its auditors bring what they sign. */
export function logRoutes({ publication }: { publication: LogPublication }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/log/checkpoint',
      summary: 'The newest published checkpoint of the log, with its cosignatures',
      tag: 'federation',
      authentication: 'none',
      response: { status: 200, description: 'The signed note', mediaType: 'text/plain' },
      errors: ['checkpoint_unknown'],
      handle: async () => {
        const note = await publication.checkpoint();
        if (note === undefined) throw new CountersignError('checkpoint_unknown');
        return { text: note, mediaType: NOTE, headers: UNTIL_THE_NEXT };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/log/tile/*path',
      summary:
        'A tile of hashes (`<L>/<N>`), or a bundle of entries (`entries/<N>`), partial ones with `.p/<W>`',
      tag: 'federation',
      authentication: 'none',
      response: { status: 200, description: 'The tile', mediaType: BYTES },
      errors: ['not_found'],
      handle: async ({ params }) => {
        const tile = parseTilePath(`tile/${params.path}`);
        const bytes = tile === undefined ? undefined : await publication.tile(tile);
        if (bytes === undefined) throw new CountersignError('not_found');
        return { text: bytes, mediaType: BYTES, headers: FOR_EVER };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/log/cosignature',
      summary: 'Take the cosignatures of configured auditors or witnesses over a checkpoint of this log',
      tag: 'federation',
      authentication: 'none',
      body: {
        schema: z.string().describe('The checkpoint as a signed note, with the cosignatures'),
        maxBytes: COSIGNATURE_BYTES,
        mediaType: ANY_MEDIA_TYPE,
      },
      response: { status: 204, description: 'They are stored' },
      errors: ['note_malformed', 'note_signature', 'checkpoint_unknown', 'cosigner_unknown'],
      handle: async ({ body }) => {
        await publication.takeCosignatures(body);
        return { status: 204, body: undefined };
      },
    }),
  ];
}
