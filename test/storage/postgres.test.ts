import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openPostgres } from '../../bridge/storage/postgres/open.ts';
import { describeDatabase } from '../contract/database.ts';
import { NO_POSTGRES, startPostgres, type ThrowawayPostgres } from '../fakes/throwaway-postgres.ts';

let server: ThrowawayPostgres;

describe.skipIf(NO_POSTGRES !== undefined)(
  `On PostgreSQL${NO_POSTGRES ? ` (skipped: ${NO_POSTGRES})` : ''}`,
  () => {
    beforeAll(async () => {
      server = await startPostgres();
    });

    afterAll(async () => {
      await server.stop();
    });

    describeDatabase('PostgreSQL', async () => {
      const schema = `s${randomBytes(6).toString('hex')}`;
      return {
        open: (migrations) =>
          openPostgres({ url: server.url(schema), clock: systemClock, ...(migrations && { migrations }) }),
        cleanUp: async () => {
          await server.query(`drop schema if exists ${schema} cascade`);
        },
      };
    });
  },
);
