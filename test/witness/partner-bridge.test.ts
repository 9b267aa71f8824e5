import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { originHash } from '../../bridge/tlog/witness-store.ts';
import { logOrigin, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import { parseVerifierKey, type VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import type { TwoCompanies } from '../http/two-companies.ts';
import { startWitnessedByPartner, type WitnessedByPartner } from './witnessed-by-partner.ts';

let started: WitnessedByPartner;
let companies: TwoCompanies;
let witness: WitnessedByPartner['witness'];
let key: VerifierKey;

beforeAll(async () => {
  started = await startWitnessedByPartner();
  ({ companies, witness } = started);
  key = parseVerifierKey(witness.vkey);
});
afterAll(() => started?.close());

const acmeLog = () => logOrigin(companies.acme.bridge.issuer);
const read = (url: string) => companies.stage.fetch(url);

/** Acme's published checkpoint, once there is one that holds at least `size` entries. */
async function published(size = 1): Promise<string> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await read(`${companies.acme.bridge.issuer}/log/checkpoint`);
    const note = await answer.text();
    if (answer.ok && parseCheckpoint(parseNote(note).text).size >= size) return note;
    await pause(50);
  }
  throw new Error(`no checkpoint of ${size} entries was published`);
}

describe('a partner’s bridge', () => {
  it('is a witness of our log, by its line in the configuration and our being its partner', async () => {
    const note = parseNote(await published());
    const [verified] = await verifyNote(note, [key]);
    expect(verified?.key.name).toBe(`${new URL(witness.url).host}/witness`);
    const { size } = parseCheckpoint(note.text);
    const seen = await read(`${witness.url}/${originHash(acmeLog())}/checkpoint`);
    expect(parseCheckpoint(parseNote(await seen.text()).text)).toMatchObject({ origin: acmeLog(), size });
  });

  it('cosigns what is logged next, before the enrolment is answered', async () => {
    const before = parseCheckpoint(parseNote(await published()).text).size;
    const app = await companies.acme.signIn('ada');
    await app.client.enrol({ label: 'phone' });
    const note = parseNote(await published(before + 1));
    expect(await verifyNote(note, [key])).toHaveLength(1);
  });

  it('is no witness of a stranger’s log', async () => {
    const seen = await read(`${witness.url}/${originHash('bridge.nobody.example/log')}/checkpoint`);
    expect(seen.status).toBe(404);
  });
});
