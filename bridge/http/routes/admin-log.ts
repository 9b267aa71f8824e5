import * as z from 'zod';
import { CountersignError } from '../../../protocol/errors.ts';
import { trustChangesSchema } from '../../../protocol/trust-changes.ts';
import type { LogStatus, QuorumStatus } from '../../keylog/log-status.ts';
import type { ListTrustChanges } from '../../keylog/trust-change-list.ts';
import type { Decide } from '../../policy/decision.ts';
import type { Witness } from '../../tlog/witness-server.ts';
import { defineAdministratorRoute } from '../administrator-route.ts';
import type { Route } from '../route.ts';

const seconds = z.int();

const quorumSchema = z.strictObject({
  needed: z.int(),
  size: z.int().nullable().describe('The newest checkpoint that so many have cosigned'),
  time: seconds.nullable().describe('Since when they have, at the youngest'),
  missing_since: seconds.nullable().describe('When the oldest checkpoint was made that they have not'),
});

/** What `countersign log status` shows. */
export const logStatusSchema = z.strictObject({
  origin: z.string(),
  checkpoint: z
    .strictObject({ size: z.int(), root: z.string(), epoch: z.int(), time: seconds })
    .nullable()
    .describe('The newest signed one; the root in base64url'),
  staged: z.int().describe('Versions without a place in the log'),
  witnesses: z.array(
    z.strictObject({
      name: z.string(),
      url: z.string(),
      state: z.enum(['unknown', 'cosigning', 'failing', 'ahead', 'contradicted']),
      size: z.int().nullable(),
      cosigned: seconds.nullable(),
      error: z.string().nullable(),
    }),
  ),
  quorum: quorumSchema.nullable(),
  auditors: z.array(
    z.strictObject({ name: z.string(), size: z.int().nullable(), cosigned: seconds.nullable() }),
  ),
  auditor_quorum: quorumSchema.nullable(),
  head_file: z
    .strictObject({
      path: z.string(),
      state: z.enum(['current', 'behind', 'ahead', 'missing', 'unreadable', 'of another log']),
      size: z.int().nullable(),
    })
    .nullable(),
  reasons: z.array(z.string()).describe('Why nothing is logged; empty when all is well'),
  witness: z
    .strictObject({
      vkey: z.string(),
      reasons: z.array(z.string()).describe('Why it cosigns nothing; empty when all is well'),
    })
    .nullable()
    .describe('The witness of others that this bridge is'),
});

const placeSchema = z.strictObject({
  name: z.string().max(254).optional().describe('With `version`: behind which change to go on'),
  version: z
    .string()
    .regex(/^(0|[1-9][0-9]{0,9})$/)
    .optional(),
});

/** How the key log stands, those who cosign it, and what it has of whom the bridge trusts. */
export function adminLogRoutes({
  logStatus,
  listTrustChanges,
  witness,
  decide,
}: {
  logStatus: () => Promise<LogStatus>;
  listTrustChanges: ListTrustChanges;
  witness: Pick<Witness, 'vkey' | 'reasons'> | undefined;
  decide: Decide;
}): Route[] {
  return [
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: '/admin/v1/log',
      summary: 'How the key log stands, with its witnesses and auditors',
      response: { status: 200, description: 'The state', schema: logStatusSchema },
      errors: [],
      handle: async () => {
        const { auditorQuorum, headFile, quorum, ...status } = await logStatus();
        return {
          body: {
            ...status,
            quorum: quorumAnswer(quorum),
            auditor_quorum: quorumAnswer(auditorQuorum),
            head_file: headFile,
            witness:
              witness === undefined ? null : { vkey: witness.vkey, reasons: [...(await witness.reasons())] },
          },
        };
      },
    }),
    defineAdministratorRoute(decide, {
      method: 'get',
      action: 'read-administration',
      path: '/admin/v1/log/trust-changes',
      summary: 'Every change of whom this bridge trusts, with what opens it in the key log',
      query: placeSchema,
      response: { status: 200, description: 'A page', schema: trustChangesSchema },
      errors: ['malformed_request'],
      handle: async ({ query: { name, version } }) => {
        if ((name === undefined) !== (version === undefined)) throw new CountersignError('malformed_request');
        const after = name === undefined ? undefined : { name, version: Number(version) };
        return { body: await listTrustChanges(after) };
      },
    }),
  ];
}

function quorumAnswer(quorum: QuorumStatus | null) {
  if (quorum === null) return null;
  const { missingSince: missing_since, ...rest } = quorum;
  return { ...rest, missing_since };
}
