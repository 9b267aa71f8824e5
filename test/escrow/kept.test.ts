import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKept } from '../../bridge/binding/kept-escrow-content.ts';
import { readOfficerFile, releaseShare } from '../../bridge/cli/officer-key.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { utf8 } from '../../protocol/bytes.ts';
import type { KeptEscrow } from '../../protocol/escrow/kept-escrow.ts';
import { keptShareContext } from '../../protocol/escrow/kept-escrow.ts';
import type { RecoveryCase } from '../../protocol/escrow/organization-api.ts';
import { openSealed } from '../../recrypt/sealed-box.ts';
import { expectCode } from '../binding/expect-code.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { installOnDevice, type OnDevice, signInOnDevice } from '../rotation/client-on-device.ts';
import { approveAs, type OfficerSeat, privateHalfOf, takeSeat } from './officer-seat.ts';

const CONTENT = 'what Bob wrote down for himself';

let companies: TwoCompanies;
let first: OfficerSeat;
let second: OfficerSeat;

beforeAll(async () => {
  companies = await startTwoCompanies('offered');
  first = await takeSeat(companies, 'Olga');
  second = await takeSeat(companies, 'Otto');
});
afterAll(async () => {
  for (const { terminal } of [first, second]) await terminal.remove();
  await companies.close();
});

const bridge = () => companies.acme.bridge;

async function onDevice(name: string): Promise<OnDevice> {
  const app = installOnDevice(companies, companies.acme);
  await signInOnDevice(companies, companies.acme, app, name);
  return app;
}

interface Left {
  readonly sub: string;
  /** A file that they sealed to themselves. */
  readonly asset: string;
}

/** Somebody who enrolled with an escrow to the organization, sealed a file to themselves, and was closed. */
async function left(name: string): Promise<Left> {
  const { client } = await onDevice(name);
  const { sub } = await client.me();
  await client.enrol({ label: 'Laptop', escrow: { organization: true } });
  const sealed = await client.assets.seal(utf8(CONTENT), { to: companies.acme.address(name) });
  const asset = join(first.terminal.home, `${crypto.randomUUID()}.sealed`);
  await writeFile(asset, new Uint8Array(await new Response(sealed.stream).arrayBuffer()));
  await bridge().administrator.post(`/admin/v1/persons/${sub}/close`, { reason: 'left the company' });
  return { sub, asset };
}

async function keptOf({ sub }: Left): Promise<KeptEscrow | undefined> {
  const { kept } = await bridge().administrator.get<{ kept: KeptEscrow[] }>('/admin/v1/kept-escrows');
  return kept.find((one) => one.sub === sub);
}

interface Reading {
  readonly id: string;
  readonly fingerprint: string;
  readonly file: string;
  readonly passphrase: string;
}

/** The first officer asks for what is kept of somebody. */
async function ask(who: Left): Promise<Reading> {
  const kept = await keptOf(who);
  const file = join(first.terminal.home, `${crypto.randomUUID()}.json`);
  const { out } = await first.terminal.run(
    ['recovery', 'request-reading', kept?.id ?? '', file, '--reason', 'an audit', '--json'],
    { env: first.env },
  );
  return JSON.parse(out);
}

/** Reads a file with the key of a reading; answers where it was written, and what was said. */
async function read({ id, file, passphrase }: Reading, asset: string) {
  const out = join(first.terminal.home, `${crypto.randomUUID()}.txt`);
  const env = { ...first.env, COUNTERSIGN_OFFICER_PASSPHRASE: passphrase };
  const ran = await first.terminal.run(
    ['recovery', 'read', id, '--file', file, '--in', asset, '--out', out],
    { env },
  );
  return { ...ran, path: out };
}

async function typesOf({ sub }: Left): Promise<string[]> {
  const events = await bridge().events();
  return events.filter(({ subject }) => subject?.sub === sub).map(({ type }) => type);
}

describe('what a person who was closed had escrowed to the organization', () => {
  let bob: Left;
  let reading: Reading;

  beforeAll(async () => {
    bob = await left('bob');
    reading = await ask(bob);
  });

  it('lets the company read what they sealed to themselves, by two administrators, each step an event', async () => {
    const listed = await second.terminal.run(['recovery', 'list'], { env: second.env });
    expect(listed.out).toContain('reading: an audit');
    await approveAs(first, reading);
    expect((await approveAs(second, reading)).out).toContain('are released');
    const { path, code } = await read(reading, bob.asset);
    expect(code).toBe(0);
    expect(await readFile(path, 'utf8')).toBe(CONTENT);
    expect((await typesOf(bob)).filter((type) => /^(escrow|recovery)\./.test(type))).toEqual([
      'escrow.kept',
      'escrow.reading_requested',
      'recovery.approved',
      'recovery.approved',
      'recovery.released',
      'escrow.read',
      'escrow.key_read',
    ]);
  });
});

describe('a kept escrow', () => {
  let ada: Left;
  let reading: Reading;
  let asked: RecoveryCase;

  beforeAll(async () => {
    ada = await left('ada');
    reading = await ask(ada);
    asked = await bridge().administrator.get(`/admin/v1/recoveries/${reading.id}`);
  });

  it('is read by nobody after one approval', async () => {
    await approveAs(first, reading);
    const { said, path } = await read(reading, ada.asset);
    expect(said).toContain('recovery_state');
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });

  it('leaves nothing that could transform or enrol: neither keys, nor devices, nor the share of the bridge', async () => {
    const rows = await bridge().store.read(async (query) => ({
      keys: await query.selectFrom('person_keys').select('sub').where('sub', '=', ada.sub).execute(),
      devices: await query.selectFrom('devices').select('sub').where('sub', '=', ada.sub).execute(),
    }));
    expect(rows).toEqual({ keys: [], devices: [] });
    const { store, config, issuer, clock } = bridge();
    const kek = Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url');
    const signer = await openLocalSigner({
      ...{ database: store, keyEncryptionKey: new Uint8Array(kek), iss: issuer, clock },
    });
    const row = await store.read((query) =>
      query.selectFrom('kept_escrows').selectAll().where('sub', '=', ada.sub).executeTakeFirstOrThrow(),
    );
    const { boxes } = await openKept(signer, row);
    const { engine } = companies.stage;
    const { statement } = asked.current;
    const { half } = readOfficerFile(first.path);
    const aad = keptShareContext(statement, half);
    const [own, other] = boxes.map((box) => decodeBase64url(box));
    if (own === undefined || other === undefined) throw new Error('there are two');
    const mine = await privateHalfOf(first);
    expect(await openSealed(engine, mine, own, aad, 0)).toHaveLength(32);
    await expectCode(openSealed(engine, mine, other, aad, 0), 'recrypt_decrypt_failed');
  });

  it('is told to peers as it was: they see the revoked statement, which says that there was one', async () => {
    const gwen = await companies.globex.signIn('gwen');
    if ((await gwen.client.me()).verified === null) await gwen.client.enrol({ label: 'Laptop' });
    const [answer] = await gwen.client.lookUp([companies.acme.address('ada')], { maxAge: 0 });
    expect(answer).toMatchObject({ status: 'revoked' });
    expect(asked.current.statement).toMatchObject({ status: 'active', escrow: 'organization' });
  });

  it.each([
    [
      'shows a reader of its own',
      (real: RecoveryCase) => ({ ...real, device_key: real.current.statement.keys[0] }),
    ],
    ['calls it a recovery', (real: RecoveryCase) => ({ ...real, purpose: 'recovery' as const })],
    ['leaves out what was kept', (real: RecoveryCase) => ({ ...real, kept_boxes: null })],
  ])('is not released where the bridge %s', async (_, changed) => {
    const officer = { file: readOfficerFile(first.path), passphrase: first.passphrase };
    const told = { address: asked.address, fingerprint: reading.fingerprint };
    const { engine } = companies.stage;
    await expectCode(releaseShare(engine, officer, changed(asked), told), 'device_comparison');
  });
});
