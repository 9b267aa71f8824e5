import { describe, expect, it, vi } from 'vitest';
import { concerns, isFor, type Reading, type RelayMessage } from '../../bridge/meetings/relay-message.ts';
import { createWaitingReaders } from '../../bridge/meetings/waiting-readers.ts';
import { rekeyMessage } from './counting-source.ts';

const ACME = 'https://bridge.acme.example';
const GLOBEX = 'https://bridge.globex.example';
const LONG_MS = 60_000;

const KINDS = ['rekey', 'group', 'ended', 'placement', 'left', 'presence'] as const;
const WHOSE = [
  { iss: null, deviceId: null },
  ...[ACME, GLOBEX].flatMap((iss) => ['device-1', 'device-2'].map((deviceId) => ({ iss, deviceId }))),
];
const MESSAGES: RelayMessage[] = KINDS.flatMap((kind) =>
  WHOSE.map((whose) => ({ ...rekeyMessage(1), ...whose, kind })),
);
const READINGS: Reading[] = [
  { iss: ACME, deviceId: 'device-1', admin: true },
  { iss: ACME, deviceId: 'device-1', admin: false },
  { iss: ACME, deviceId: 'device-2', admin: false },
  { iss: GLOBEX, deviceId: 'device-1', admin: false },
  { iss: GLOBEX, deviceId: null, admin: false },
  { iss: ACME, deviceId: null, admin: false },
];

/** Readers of messages that end at 10; whom `wake` does not wake is let go once they end at 11. */
function waiting() {
  let end = 10;
  const readers = createWaitingReaders(() => end);
  const leaving = new AbortController();
  return {
    readers,
    wait: (reading: Reading, ms = LONG_MS) => readers.wait(reading, ms, leaving.signal),
    letGo() {
      end = 11;
      leaving.abort();
    },
  };
}

describe('who waits for messages', () => {
  it.each(KINDS)('is woken by what concerns them and by nothing else: %s', async (kind) => {
    for (const message of MESSAGES.filter((each) => each.kind === kind)) {
      const { readers, wait, letGo } = waiting();
      const waited = READINGS.map((reading) => wait(reading));
      readers.wake([message]);
      letGo();
      const woken = READINGS.map((reading) =>
        concerns(message, reading) ? { why: 'message', place: 10 } : { why: 'aborted', place: 11 },
      );
      expect(await Promise.all(waited)).toEqual(woken);
    }
  });

  it('is concerned by what is told to them, and by the leaving of their own device, which is not', () => {
    for (const reading of READINGS) {
      const untold = MESSAGES.filter((each) => concerns(each, reading) && !isFor(each, reading));
      const { iss, deviceId } = reading;
      const own = MESSAGES.filter(
        (each) => each.kind === 'left' && each.iss === iss && each.deviceId === deviceId,
      );
      expect(untold).toEqual(reading.admin ? [] : own);
    }
  });

  it('is woken by any message of a page, in as many places as they wait in', async () => {
    const { readers, wait } = waiting();
    const [reading] = READINGS;
    if (reading === undefined) expect.fail('no reader');
    const waited = [wait(reading), wait(reading)];
    readers.wake([{ ...rekeyMessage(1), kind: 'presence' }, rekeyMessage(2)]);
    expect(await Promise.all(waited)).toEqual([
      { why: 'message', place: 10 },
      { why: 'message', place: 10 },
    ]);
  });

  it('is let go when it was quiet for long enough, with the place up to which it was', async () => {
    const { wait } = waiting();
    expect(await wait({ iss: ACME, deviceId: 'device-1', admin: false }, 1)).toEqual({
      ...{ why: 'quiet', place: 10 },
    });
  });

  it('holds on to nothing of who has gone', async () => {
    const { readers, wait, letGo } = waiting();
    const gone = new AbortController();
    const listening = vi.spyOn(gone.signal, 'removeEventListener');
    const [reading] = READINGS;
    if (reading === undefined) expect.fail('no reader');
    const waited = readers.wait(reading, LONG_MS, gone.signal);
    gone.abort();
    expect(await waited).toEqual({ why: 'aborted', place: 10 });
    expect(await readers.wait(reading, LONG_MS, gone.signal)).toEqual({ why: 'aborted', place: 10 });
    expect(listening).toHaveBeenCalled();
    const other = wait(reading);
    letGo();
    expect(await other).toEqual({ why: 'aborted', place: 11 });
  });
});
