import type { RequestListener } from 'node:http';
import { CountersignError } from '../../protocol/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Network } from '../lib/networks.ts';
import { MemoryCache } from '../storage/memory-cache.ts';
import type { Witness } from '../tlog/witness-server.ts';
import { createApp } from './app.ts';
import { createEventStreams } from './event-streams.ts';
import { createRateLimit } from './rate-limit.ts';
import { witnessRoutes } from './routes/witness.ts';

/** A witness alone over HTTP: the bridge's middleware without the bridge. What it refuses goes to the log. */
export function composeWitness(deps: {
  witness: Witness;
  clock: Clock;
  logger: Logger;
  trustedProxies: readonly Network[];
}): RequestListener {
  const { witness, clock, logger } = deps;
  const nobody = async () => {
    throw new CountersignError('unauthenticated');
  };
  const app = createApp({
    ...deps,
    issuer: '',
    events: {
      record: async ({ type, actor, code, data }) => logger.info({ actor, error_code: code, ...data }, type),
    },
    rateLimit: createRateLimit(new MemoryCache({ clock })),
    authenticateDevice: nobody,
    authenticateAdministrator: nobody,
    isAllowedOrigin: async () => false,
    routes: witnessRoutes({ witness, prefix: '' }),
    pages: [],
    streams: createEventStreams({ logger }),
  });
  return app.callback();
}
