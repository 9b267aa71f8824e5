import * as z from 'zod';
import type { Readiness } from '../../lifecycle/readiness.ts';
import { defineRoute, type Route } from '../route.ts';

const readySchema = z.strictObject({
  status: z.enum(['ready', 'degraded', 'not_ready']),
  /** What is wrong, for an operator; empty when ready. `degraded`: it serves what it can, revocations among it. */
  reasons: z.array(z.string()),
  /** What will be a reason if nobody acts. */
  warnings: z.array(z.string()),
  version: z.string(),
  engine: z.strictObject({ name: z.string(), version: z.string() }),
  policy_hash: z.string(),
  online_keys: z.strictObject({ serial: z.int(), expires: z.int() }),
});

/** For orchestrators and people: is the process alive, can it serve. Nothing secret, nothing about anybody. */
export function healthRoutes({ readiness }: { readiness: () => Promise<Readiness> }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/health/live',
      summary: 'Whether the process answers',
      tag: 'health',
      authentication: 'none',
      response: {
        status: 200,
        description: 'It does',
        schema: z.strictObject({ status: z.literal('live') }),
      },
      errors: [],
      handle: async () => ({ body: { status: 'live' } }),
    }),
    defineRoute({
      method: 'get',
      path: '/health/ready',
      summary:
        'Whether the bridge can serve (503: it cannot, 200 with `degraded`: not everything), with the reasons',
      tag: 'health',
      authentication: 'none',
      response: { status: 200, description: 'How it stands', schema: readySchema },
      errors: [],
      handle: async () => {
        const { status, reasons, warnings, version, engine, policyHash, onlineKeys } = await readiness();
        return {
          status: status === 'not_ready' ? 503 : 200,
          body: {
            status,
            reasons,
            warnings,
            version,
            engine,
            policy_hash: policyHash,
            online_keys: onlineKeys,
          },
        };
      },
    }),
  ];
}
