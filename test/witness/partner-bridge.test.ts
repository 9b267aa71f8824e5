import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../bridge/config/index.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type RunningBridge, startBridge } from '../../bridge/main.ts';
import { originHash } from '../../bridge/tlog/witness-store.ts';
import { entityConfigurationSchema } from '../../protocol/entity-configuration.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { logOrigin, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import { parseVerifierKey, type VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { type Company, startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';

let companies: TwoCompanies;
let witness: { vkey: string; url: string };
let key: VerifierKey;
const restarted: RunningBridge[] = [];

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { stage, acme, globex } = companies;
  await restart(globex, { witness: { partners: true, logs: [] } });
  const token = await (await stage.fetch(`${globex.bridge.issuer}/.well-known/openid-federation`)).text();
  const { metadata } = decodeClaims(token, 'entity-statement+jwt', entityConfigurationSchema);
  if (metadata.key_bridge.witness === undefined) throw new Error('it is no witness');
  witness = metadata.key_bridge.witness;
  key = parseVerifierKey(witness.vkey);
  await restart(acme, {
    key_log: { ...acme.bridge.config.key_log, witnesses: [witness], quorum: 1 },
  });
});
afterAll(async () => {
  for (const bridge of restarted) await bridge.stop();
  await companies?.close();
});

/** Runs the company's bridge on what it had stored, with other settings. */
async function restart({ bridge }: Company, changes: Partial<Config>): Promise<void> {
  const { stage } = companies;
  await bridge.running.stop();
  const logger = createLogger({ level: 'silent' });
  const given = { resolver: stage.names, clock: bridge.clock, engine: stage.engine, logger };
  restarted.push(await startBridge({ ...bridge.config, ...changes }, given));
}

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
