import * as z from 'zod';
import { encodeBase64url } from '../../protocol/base64url.ts';
import {
  ED25519_COSIGNATURE,
  ED25519_NOTE,
  parseVerifierKey,
  type VerifierKey,
} from '../../protocol/tlog/verifier-key.ts';
import {
  KEY_LOG_COSIGNERS,
  KEY_LOG_EPOCH_MS,
  KEY_LOG_REFRESH_MINUTES,
  KEY_LOG_WITNESS_WAIT_MS,
  KEY_LOG_WITNESSED,
} from '../lib/limits.ts';

const verifierKey = (type: number, error: string) =>
  z
    .string()
    .max(512)
    .refine((text) => parsed(text)?.type === type, { error });

const cosignerKey = verifierKey(ED25519_COSIGNATURE, 'must be the verifier key of a cosigner: name+id+key');
const logKey = verifierKey(ED25519_NOTE, 'must be the verifier key of a log: name+id+key');

function parsed(vkey: string): VerifierKey | undefined {
  try {
    return parseVerifierKey(vkey);
  } catch {
    return undefined;
  }
}

/** Who keeps this bridge’s key log honest. */
export const keyLog = z
  .strictObject({
    epoch_milliseconds: z
      .int()
      .min(0)
      .max(1_000)
      .default(KEY_LOG_EPOCH_MS)
      .describe('The least time between two epochs of the log; what comes in meanwhile shares one.'),
    vrf_workers: z
      .int()
      .min(0)
      .max(64)
      .default(1)
      .describe(
        'Threads that compute the log’s proofs, some 8 ms an enrolment, while there are any to compute; 0 computes them ' +
          'between requests.',
      ),
    head_file: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Where the log’s newest head is kept apart from the database, so that a restored backup of it is noticed. With ' +
          'sqlite beside the database unless another place is named; with postgres nowhere, and only witnesses notice.',
      )
      .meta({ examples: ['./log-head.json'] }),
    witnesses: z
      .array(
        z.strictObject({
          vkey: cosignerKey.describe('The witness’s verifier key, as it publishes it.'),
          url: z
            .url({ protocol: /^https$/, error: 'must be an https URL' })
            .describe('The prefix below which it takes add-checkpoint.'),
        }),
      )
      .max(KEY_LOG_COSIGNERS)
      .default([])
      .describe('Who cosigns the log’s checkpoints: partners’ bridges, or any witness of the C2SP protocol.')
      .meta({
        examples: [
          [
            {
              vkey: 'bridge.globex.example/witness+234814a0+BHbtNRxc/1MGEz+3jlXI6A002JDRfcGs0CRs6gVutr3O',
              url: 'https://bridge.globex.example/witness',
            },
          ],
        ],
      }),
    quorum: z
      .int()
      .min(0)
      .max(KEY_LOG_COSIGNERS)
      .optional()
      .describe(
        'So many witnesses must have cosigned a checkpoint before it is handed out in place of an older one. Without it ' +
          'most of them.',
      )
      .meta({ examples: [1] }),
    witness_wait_milliseconds: z
      .int()
      .min(0)
      .max(30_000)
      .default(KEY_LOG_WITNESS_WAIT_MS)
      .describe('How long an enrolment waits for the quorum at most. After that its credential says less.'),
    refresh_minutes: z
      .int()
      .min(1)
      .max(24 * 60)
      .default(KEY_LOG_REFRESH_MINUTES)
      .describe('How often witnesses are asked to cosign again while nothing happens.'),
    auditors: z
      .array(cosignerKey)
      .max(KEY_LOG_COSIGNERS)
      .default([])
      .describe('Verifier keys of auditors, whose cosignatures are taken and handed out.')
      .meta({
        examples: [['auditor.example/countersign+92f3c1dd+BGvASp3Cxyb7U9Rh6oZoRc5Gqo/RUD2VwcZQqHwhbrDf']],
      }),
    auditor_quorum: z
      .int()
      .min(0)
      .max(KEY_LOG_COSIGNERS)
      .optional()
      .describe('The same of auditors. Without it one, if there are any.')
      .meta({ examples: [1] }),
  })
  .refine((value) => (value.quorum ?? 0) <= value.witnesses.length, {
    path: ['quorum'],
    error: 'cannot be more than there are witnesses',
  })
  .refine((value) => (value.auditor_quorum ?? 0) <= value.auditors.length, {
    path: ['auditor_quorum'],
    error: 'cannot be more than there are auditors',
  })
  .refine((value) => isDistinct([...value.witnesses.map(({ vkey }) => vkey), ...value.auditors]), {
    error: 'names a cosigner twice: each has one key and one role',
  });

/** Whether each is another key, whatever they are called. What is no verifier key has a fault of its own. */
function isDistinct(vkeys: readonly string[]): boolean {
  const keys = vkeys.flatMap((vkey) => {
    const key = parsed(vkey);
    return key === undefined ? [] : [encodeBase64url(key.publicKey)];
  });
  return new Set(keys).size === keys.length;
}

/** Whose logs this bridge keeps honest. */
export const witness = z.strictObject({
  partners: z.boolean().default(false).describe('Cosign the checkpoints of the active partners’ key logs.'),
  logs: z
    .array(logKey)
    .max(KEY_LOG_WITNESSED)
    .default([])
    .describe('Verifier keys of other logs whose checkpoints are cosigned.')
    .meta({ examples: [['log.initech.example/log+bd42fd6b+ARcQYoAaBnU7xy/dda/dvNCCf63t5TduEAaMYsafw1xy']] }),
});
