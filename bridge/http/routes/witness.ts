import * as z from 'zod';
import { CountersignError } from '../../../protocol/errors.ts';
import { formatTreeSize, TREE_SIZE_TYPE } from '../../../protocol/tlog/witness-protocol.ts';
import { WITNESS_REQUEST_BYTES } from '../../lib/limits.ts';
import type { Witness } from '../../tlog/witness-server.ts';
import { ANY_MEDIA_TYPE, defineRoute, type Route } from '../route.ts';

const NOTE_LINES = 'text/plain; charset=utf-8';

/**
 * A witness of other logs (C2SP tlog-witness), below `prefix`. Logs authenticate by the checkpoint that they signed.
 */
export function witnessRoutes({
  witness,
  prefix = '/witness',
}: {
  witness: Witness;
  prefix?: string;
}): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: `${prefix}/add-checkpoint`,
      summary: 'Cosign a checkpoint that continues what this witness has seen of the log',
      tag: 'federation',
      authentication: 'none',
      body: {
        schema: z
          .string()
          .describe('The old size, a consistency proof, an empty line and a signed checkpoint'),
        maxBytes: WITNESS_REQUEST_BYTES,
        mediaType: ANY_MEDIA_TYPE,
      },
      response: {
        status: 200,
        description: 'Cosignature lines; with status 409 the size to prove from, as text/x.tlog.size',
        mediaType: 'text/plain',
      },
      errors: [
        ...([
          'note_malformed',
          'witness_log_unknown',
          'witness_signature',
          'witness_size',
          'witness_proof',
        ] as const),
        ...(['unavailable', 'state_refused'] as const),
      ],
      handle: async ({ body }) => {
        const answer = await witness.addCheckpoint(body);
        // No refusal: it is how a log finds out where this witness stands.
        return answer.kind === 'stale'
          ? { status: 409, text: formatTreeSize(answer.size), mediaType: TREE_SIZE_TYPE }
          : { text: answer.lines, mediaType: NOTE_LINES };
      },
    }),
    defineRoute({
      method: 'get',
      path: `${prefix}/:origin_hash/checkpoint`,
      summary: 'The newest checkpoint that this witness has cosigned of a log, by the SHA-256 of its origin',
      tag: 'federation',
      authentication: 'none',
      response: { status: 200, description: 'The signed note', mediaType: 'text/plain' },
      errors: ['witness_log_unknown'],
      handle: async ({ params }) => {
        const note = await witness.checkpoint(params.origin_hash ?? '');
        if (note === undefined) throw new CountersignError('witness_log_unknown');
        return { text: note, mediaType: NOTE_LINES, headers: { 'Cache-Control': 'no-cache' } };
      },
    }),
  ];
}
