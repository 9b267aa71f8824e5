import { beforeAll, describe, expect, it } from 'vitest';
import { makeReaderKey, openReleased, type ReaderFile } from '../../bridge/cli/escrow-reader.ts';
import { sealToOrganization } from '../../client/organization-escrow.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { concatBytes } from '../../protocol/bytes.ts';
import { exportSigningKey, generateSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import { type ReleasedReading, releasedKeptContext } from '../../protocol/escrow/kept-escrow.ts';
import { splitSecret } from '../../protocol/escrow/organization-escrow.ts';
import type { RecoveryHalves } from '../../protocol/escrow/organization-key.ts';
import { type KeyStatement, signStatement } from '../../protocol/key-statement.ts';
import { encodeVault } from '../../protocol/vault.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { sealTo } from '../../recrypt/sealed-box.ts';
import type { PreKeyPair, TransformEngine } from '../../recrypt/transform-engine.ts';
import { expectCode } from '../binding/expect-code.ts';

const ISS = 'https://bridge.acme.example';
const SUB = 'bob-1';
const READING = 'reading-1';

/*
 * Two honest administrators have released what they opened of Bob's; everything beside their shares is the bridge's word.
 */

let engine: TransformEngine;
let file: ReaderFile;
let passphrase: string;
let fingerprint: string;
let halves: RecoveryHalves;
/** u, s, and the signature key that Bob really had. */
let half: PreKeyPair;
let share: PreKeyPair;
let sig: SigningKey;

beforeAll(async () => {
  engine = await loadTransformEngine();
  ({ file, passphrase, fingerprint } = await makeReaderKey(engine, ISS, { sub: SUB }));
  half = engine.generateKeyPair();
  share = engine.generateKeyPair();
  sig = await generateSigningKey(true);
  halves = [preToJwk(engine.generateKeyPair().publicKey), preToJwk(engine.generateKeyPair().publicKey)];
});

async function vault() {
  return { v: 1 as const, pre: encodeBase64url(half.privateKey), sig: await exportSigningKey(sig) };
}

/** What the bridge hands to the reader, with a statement by this signature key. */
async function released(by: SigningKey): Promise<ReleasedReading> {
  const own = preToJwk(engine.augmentPublicKey(half.publicKey, share.publicKey));
  const statement: KeyStatement = {
    ...({ v: 1, iss: ISS, sub: SUB, address: 'bob@acme.example', version: 0, key_version: 0 } as const),
    ...({ status: 'active', assurance: 'member', escrow: 'organization', since: 1, prev: null } as const),
    keys: [own, by.publicKey],
  };
  const content = await vault();
  const { token } = await sealToOrganization(engine, { sig: by, vault: content }, statement, halves, 1);
  const [left, right] = splitSecret(concatBytes(encodeVault(content), share.privateKey));
  const reader = preFromJwk(engine, file.reader);
  const seal = async (part: Uint8Array, to: RecoveryHalves[0]) => {
    const aad = releasedKeptContext(statement, to, { id: READING, fingerprint });
    return encodeBase64url(await sealTo(engine, reader, part, aad));
  };
  return {
    ...{ id: READING, address: statement.address, token, endorsements: [] },
    current: { statement, signatures: [await signStatement(by, statement)] },
    shares: [await seal(left, halves[0]), await seal(right, halves[1])],
  };
}

describe('what two administrators released to a reader', () => {
  it('opens as the private key of what was encrypted to the person', async () => {
    const key = await openReleased(engine, { file, passphrase }, await released(sig));
    expect(preToJwk(engine.computePublicKey(key))).toEqual((await released(sig)).current.statement.keys[0]);
  });

  it('is refused under a signature key of the bridge’s own, by which it could endorse a device and forge what is read', async () => {
    const forged = await released(await generateSigningKey(true));
    await expectCode(openReleased(engine, { file, passphrase }, forged), 'vault_mismatch');
  });

  it('is refused under another address than the one that the administrators released', async () => {
    const renamed = { ...(await released(sig)), address: 'ada@acme.example' };
    await expectCode(openReleased(engine, { file, passphrase }, renamed), 'escrow_mismatch');
  });
});
