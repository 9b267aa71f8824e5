import { expect, vi } from 'vitest';
import type { EventType } from '../../bridge/events/catalog.ts';
import { SOON } from '../fakes/soon.ts';
import type { WholeBridge } from '../http/whole-bridge.ts';

/** Waits until the newest event of this type, and all before it, became what signals there are of them. */
export async function becameSignals({ events, store }: WholeBridge, type: EventType): Promise<void> {
  const seq = (await events()).findLast((event) => event.type === type)?.seq;
  if (seq === undefined) throw new Error(`there is no event ${type}`);
  await vi.waitFor(async () => {
    const progress = await store.read((query) =>
      query.selectFrom('signal_progress').select('seq').executeTakeFirst(),
    );
    expect(progress?.seq).toBeGreaterThanOrEqual(seq);
  }, SOON);
}
