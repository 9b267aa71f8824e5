import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { giveUp } from '../../bridge/events/delivery/sink-states.ts';
import { type FakeReceiver, fakeReceiver } from '../fakes/fake-receiver.ts';
import { type DeliveryFixture, deliveryFixture, into, prune, soon } from './delivery-fixture.ts';

let fixture: DeliveryFixture;
let receiver: FakeReceiver;

beforeEach(async () => {
  fixture = await deliveryFixture();
  receiver = fakeReceiver();
  fixture.definitions = [into(receiver, 'siem', { filter: { types: ['person.*'] } })];
});
afterEach(() => fixture.remove());

describe('a live stream', () => {
  it('that is behind what was pruned goes on behind it, and names what it missed', async () => {
    await fixture.append(2);
    const first = fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual([1, 2]), soon);
    await first.stop();
    await fixture.append(6);
    await prune(fixture, 5);
    fixture.deliver();
    await vi.waitFor(() => expect(receiver.seqs).toEqual([1, 2, 6, 7, 8]), soon);
    expect(await fixture.reported('sink.overflowed')).toMatchObject([
      { data: { sink: 'siem', name: 'siem', from_seq: 3, to_seq: 5 } },
    ]);
  });

  it('that could not read goes on where the store has it by then', async () => {
    await fixture.append(6);
    let broken = true;
    const { log } = fixture;
    const page: typeof log.page = async (asked) => {
      if (broken) throw new Error('no route to host');
      return log.page(asked);
    };
    const onPublished: typeof log.onPublished = (listener) => log.onPublished(listener);
    fixture.deliver({ log: { page, onPublished, append: (tx, event) => log.append(tx, event) } });
    await vi.waitFor(() => expect(fixture.waits.length).toBeGreaterThan(0), soon);
    await fixture.database.transaction((tx) => giveUp(tx, 'siem', 0, 4, 0));
    const { length } = fixture.waits;
    await vi.waitFor(() => expect(fixture.waits.length).toBeGreaterThan(length + 1), soon);
    broken = false;
    await vi.waitFor(() => expect(receiver.seqs).toEqual([5, 6]), soon);
  });
});
