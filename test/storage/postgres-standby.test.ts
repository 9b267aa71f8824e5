import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openPostgres } from '../../bridge/storage/postgres/open.ts';
import { type PostgresPair, startPair } from '../fakes/postgres-pair.ts';
import { SOON } from '../fakes/soon.ts';
import { NO_POSTGRES } from '../fakes/throwaway-postgres.ts';

const skipped = NO_POSTGRES === undefined ? '' : ` (skipped: ${NO_POSTGRES})`;

describe.skipIf(NO_POSTGRES !== undefined)(`A synchronous standby that is away${skipped}`, () => {
  let pair: PostgresPair;
  let database: Database;

  beforeAll(async () => {
    pair = await startPair({ synchronous: true });
    database = await openPostgres({ url: pair.url, clock: systemClock });
    await database.migrate();
  });

  afterAll(async () => {
    await database.close();
    await pair.stop();
  });

  const put = (key: string) =>
    database.transaction((tx) => tx.insertInto('meta').values({ key, value: '' }).execute());

  it('leaves a transaction unknown whose wait for it was ended, which the server says by a warning alone', async () => {
    const restore = await pair.cutReplication();
    const refused = expect(put('meanwhile')).rejects.toMatchObject({
      ...{ code: 'unavailable', detail: 'It is not known whether this was stored.' },
      cause: { cause: { message: 'the server warned when it committed' } },
    });
    await vi.waitFor(async () => expect(await pair.cancelWaits()).toBe(1), SOON);
    await refused;
    await restore();
    await put('after');
    const rows = await database.read((query) =>
      query.selectFrom('meta').select('key').where('key', 'in', ['after', 'meanwhile']).execute(),
    );
    expect(rows).toHaveLength(2);
  });
});
