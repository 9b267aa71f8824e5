import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloudEventOf } from '../../bridge/cli/event-copy.ts';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { redactEvent } from '../../bridge/events/redaction.ts';
import { formatHashesLine, formatProofLine } from '../../protocol/events/copied-line.ts';
import { EventCopy } from '../../protocol/events/event-copy.ts';
import type { EventProof } from '../../protocol/events/event-proof.ts';
import { type CopyReport, type VerifyOptions, verifyEventCopy } from '../../protocol/events/verify-copy.ts';
import { eventLogOrigin } from '../../protocol/tlog/checkpoint.ts';
import { eventLogVerifierKeys } from '../../protocol/tlog/log-keys.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { type EventProofFixture, eventProofFixture } from './event-proof-fixture.ts';

const REPLAY = '01890a5d-ac96-774b-bcce-b302099a8057';

let fixture: EventProofFixture;
/** 1 to 5, all that the newest checkpoint covers. */
let events: StoredEvent[];
let proof: EventProof;

beforeAll(async () => {
  fixture = await eventProofFixture();
  await fixture.reportSigned(5);
  events = (await fixture.events()).slice(0, 5);
  proof = await fixture.proofs.prove({ from: 1, to: 5 });
});

afterAll(async () => {
  await fixture.remove();
});

async function verify(lines: readonly string[], options?: VerifyOptions): Promise<CopyReport> {
  const logKeys = eventLogVerifierKeys(fixture.signer.onlineKeys());
  const copy = new EventCopy({ origin: eventLogOrigin(ISS), logKeys }, { cloudEventOf });
  for (const line of lines) await copy.add(line);
  return verifyEventCopy(copy, options);
}

const json = (event: object) => JSON.stringify(event);
const hashes = () => {
  const all = events.map(({ hash }) => hash);
  return formatHashesLine(1, all);
};
/** An export whose third event is on these lines. */
const exported = (...third: string[]) => [
  ...[formatProofLine(proof), ...events.slice(0, 2).map(json), ...third, ...events.slice(3).map(json)],
  hashes(),
];
const wrapped = (event: object, iss = ISS): object => JSON.parse(cloudEventOf(event, iss));
const third = () => events[2] ?? ({} as StoredEvent);

describe('an export', () => {
  it('is proven with CloudEvents and replays as the bridge sends them', async () => {
    const replayed = { ...third(), replay: REPLAY };
    const lines = exported(json(third()), json(wrapped(third())), json(wrapped(replayed)), json(replayed));
    expect(await verify(lines)).toMatchObject({ outcome: 'proven', proven: 5, unreadable: [] });
  });

  it.each([
    ['a CloudEvent that says another subject', () => json({ ...wrapped(third()), subject: 'guilty' })],
    ['a CloudEvent with more than its event has', () => json({ ...wrapped(third()), note: 'guilty' })],
    ['any other envelope', () => json({ specversion: '1.0', source: ISS, note: 'guilty', data: third() })],
    ['a CloudEvent of another bridge', () => json(wrapped(third(), 'https://bridge.globex.example'))],
    ['a member that is there twice', () => json(third()).replace('{', '{"subject":{"sub":"guilty"},')],
    ['a member that is there twice, once escaped', () => json(third()).replace('{', '{"\\u0073eq":7,')],
    ['a member twice inside of another', () => json(third()).replace('"sub":', '"sub":"guilty","sub":')],
    ['a member that readers lose', () => json(third()).replace('{', '{"__proto__":{"sub":"guilty"},')],
    ['a replay that is no id', () => json({ ...third(), replay: 'guilty' })],
    ['a redaction that is none', () => json({ ...third(), redaction: 'guilty' })],
  ])('is refuted by %s, alone and beside the event', async (_name, line) => {
    expect(await verify(exported(line()))).toMatchObject({ outcome: 'refuted', unreadable: [4] });
    const beside = exported(json(third()), line());
    expect(await verify(beside)).toMatchObject({ outcome: 'refuted', unreadable: [5] });
  });

  it('is refuted by an event with a hash that is not its own', async () => {
    const line = json({ ...third(), hash: events[0]?.hash });
    expect(await verify(exported(line))).toMatchObject({ outcome: 'refuted', altered: [{ from: 3, to: 3 }] });
  });

  it('is refuted by an altered event that says that it was redacted', async () => {
    const line = json({ ...third(), subject: { sub: 'guilty' }, redaction: 'drop' });
    expect(await verify(exported(line))).toMatchObject({ outcome: 'refuted' });
    expect(await verify(exported(line), { redacted: true })).toMatchObject({ outcome: 'refuted' });
  });
});

describe('what a sink without personal data wrote', () => {
  it('is not proven unless it is known to be redacted', async () => {
    const copy = [...events.map((event) => json(redactEvent(event, 'drop'))), hashes()];
    const checked = async (options: VerifyOptions) => {
      const logKeys = eventLogVerifierKeys(fixture.signer.onlineKeys());
      const asked = new EventCopy({ origin: eventLogOrigin(ISS), logKeys });
      for (const line of copy) await asked.add(line);
      await asked.addProof(proof);
      return verifyEventCopy(asked, options);
    };
    expect(await checked({})).toMatchObject({ outcome: 'unproven', redacted: 5 });
    expect(await checked({ redacted: true })).toMatchObject({ outcome: 'partly', proven: 0, redacted: 5 });
  });
});
