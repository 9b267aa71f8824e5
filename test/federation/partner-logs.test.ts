import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFindPartnerLogKeys } from '../../bridge/federation/partner-logs.ts';
import { witnessKey } from '../../bridge/tlog/witness-key.ts';
import { createWitness, type Witness } from '../../bridge/tlog/witness-server.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { generateSigningKey, type SigningKey, signBytes } from '../../protocol/ed25519.ts';
import { checkpointNote, logOrigin, signCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { formatAddCheckpoint } from '../../protocol/tlog/witness-protocol.ts';
import { entityConfiguration } from '../fakes/lying-bridge.ts';
import { type FederationFixture, federationFixture } from './federation-fixture.ts';

let fixture: FederationFixture;
let witness: Witness;
let origin: string;

beforeEach(async () => {
  fixture = await federationFixture();
  await fixture.approveGlobex();
  const find = createFindPartnerLogKeys(fixture);
  const { database, clock } = fixture;
  origin = logOrigin(fixture.globex.company.iss);
  witness = createWitness({
    ...{ database, clock, key: witnessKey('bridge.acme.example/witness', await generateSigningKey(false)) },
    findLogKeys: async (of) => (await find(of)) ?? { keys: [] },
  });
});
afterEach(() => fixture.close());

/** Shows the witness a log of `size` equal entries, as its first checkpoint, signed by this key. */
async function show(key: SigningKey, name = origin) {
  const publicKey = decodeBase64url(key.publicKey.x, 32);
  const sign = async (message: Uint8Array<ArrayBuffer>) => decodeBase64url(await signBytes(key, message), 64);
  const checkpoint = { origin: name, size: 1, root: new Uint8Array(32) };
  const note = checkpointNote(checkpoint, [await signCheckpoint({ name, publicKey, sign }, checkpoint)]);
  return witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: note }));
}

/** Globex signs its log by this key from now on; answers how often it was read since. */
function rotateTo(key: SigningKey): () => number {
  const { company, lies } = fixture.globex;
  let read = 0;
  lies.entity = async () => {
    read += 1;
    const { keys } = company.onlineKeysClaims();
    const [like] = keys.filter(({ purpose }) => purpose === 'log');
    if (like === undefined) throw new Error('it has no log key');
    const rotated = [...keys, { ...like, jwk: key.publicKey }];
    const claims = await company.entityConfigurationClaims();
    claims.metadata.key_bridge.online_keys = await company.onlineKeysToken({ serial: 2, keys: rotated });
    return entityConfiguration(company, claims);
  };
  return () => read;
}

describe('the keys of a partner’s log', () => {
  test('are read anew for a checkpoint under one that was rotated since the daily check', async () => {
    const fresh = await generateSigningKey(false);
    const read = rotateTo(fresh);
    expect(await show(fresh)).toMatchObject({ kind: 'cosigned' });
    expect(read()).toBe(1);
  });

  test('are read once a minute at most, whatever strangers sign under its name', async () => {
    const read = rotateTo(await generateSigningKey(false));
    for (let tries = 0; tries < 3; tries += 1) {
      const stranger = await generateSigningKey(false);
      await expect(show(stranger)).rejects.toMatchObject({ code: 'witness_signature' });
    }
    expect(read()).toBe(1);
  });

  test('are not read for a signature of a known key', async () => {
    const read = rotateTo(await generateSigningKey(false));
    expect(await show(fixture.globex.company.keys.log)).toMatchObject({ kind: 'cosigned' });
    expect(read()).toBe(0);
  });

  test('are those of active partners alone', async () => {
    const stranger = await generateSigningKey(false);
    const shown = show(stranger, 'bridge.nobody.example/log');
    await expect(shown).rejects.toMatchObject({ code: 'witness_log_unknown' });
  });
});
