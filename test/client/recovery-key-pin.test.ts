import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createContext } from '../../client/context.ts';
import { createMemoryKeyStore, createMemoryPinStore } from '../../client/memory-stores.ts';
import { succeedingHalves, trustedHalves } from '../../client/organization-escrow.ts';
import type { ClientParts } from '../../client/own-account.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { generateSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import {
  organizationKeyFingerprint,
  type RecoveryHalves,
  type Succession,
  successionTranscript,
} from '../../protocol/escrow/organization-key.ts';
import { signJws } from '../../protocol/jws.ts';
import { type OnlineKeys, signOnlineKeys, verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { PreKeyPair, TransformEngine } from '../../recrypt/transform-engine.ts';
import { expectCode } from '../binding/expect-code.ts';

const ISS = 'https://bridge.acme.example';
const NOW = 1_800_000_000;

/** A recovery key with both private halves, as whoever captured these has it. */
interface WholeKey {
  readonly pairs: readonly [PreKeyPair, PreKeyPair];
  readonly halves: RecoveryHalves;
  readonly fingerprint: string;
}

let engine: TransformEngine;
let bridge: SigningKey;
let onlineKeys: OnlineKeys;
/** The first recovery key, the one that took its place, and one that whoever has the halves of the first made. */
let first: WholeKey;
let second: WholeKey;
let evil: WholeKey;

beforeAll(async () => {
  engine = await loadTransformEngine();
  bridge = await generateSigningKey(false);
  const root = await generateSigningKey(false);
  const times = { nbf: NOW, exp: NOW + 86_400 };
  const token = await signOnlineKeys(root, {
    ...{ iss: ISS, serial: 1, iat: NOW, exp: times.exp, compromised: [] },
    keys: [{ jwk: bridge.publicKey, purpose: 'binding', ...times }],
  });
  const expected = { iss: ISS, rootThumbprint: thumbprint(root.publicKey) };
  onlineKeys = await verifyOnlineKeys(token, expected, NOW);
  [first, second, evil] = [wholeKey(), wholeKey(), wholeKey()];
});

function wholeKey(): WholeKey {
  const pairs = [engine.generateKeyPair(), engine.generateKeyPair()] as const;
  const halves: RecoveryHalves = [preToJwk(pairs[0].publicKey), preToJwk(pairs[1].publicKey)];
  return { pairs, halves, fingerprint: organizationKeyFingerprint(ISS, halves) };
}

/** Both halves of `before` say that `next` takes their place. */
function succession(before: WholeKey, next: WholeKey): Succession {
  const transcript = successionTranscript(ISS, before.halves, next.halves);
  const sign = ({ privateKey, publicKey }: PreKeyPair) =>
    encodeBase64url(engine.schnorrSign(privateKey, publicKey, transcript));
  return { halves: before.halves, signatures: [sign(before.pairs[0]), sign(before.pairs[1])] };
}

/** What the bridge says that people escrow to, and which key it says that it took the place of. */
function served({ halves, ...next }: WholeKey, before?: WholeKey): Promise<string> {
  const chain = before === undefined ? {} : { before: [succession(before, { halves, ...next })] };
  const claims = { iss: ISS, iat: NOW, exp: NOW + 3600, halves, required: false, ...chain };
  return signJws(bridge, 'recovery-key+jwt', claims);
}

describe('a client whose company has replaced its recovery key', () => {
  let parts: Pick<ClientParts, 'context' | 'ownKeys'>;

  beforeEach(async () => {
    const stores = { keyStore: createMemoryKeyStore(), pinStore: createMemoryPinStore() };
    const context = createContext({
      ...{ issuer: ISS, clientId: 'app', engine, ...stores, clock: { now: () => NOW * 1000 } },
    });
    const verifying: ClientParts['ownKeys']['verifying'] = (verify) => verify(onlineKeys, true);
    parts = { context, ownKeys: { current: async () => onlineKeys, verifying } };
    await begin(await served(first));
  });

  const begin = (token: string, told?: string) =>
    trustedHalves(parts, token, {
      organization: true,
      ...(told === undefined ? {} : { fingerprint: told }),
    });
  const rotate = (token: string, { halves }: WholeKey, told?: string) =>
    succeedingHalves(parts, token, halves, { told, isReplaced: true });
  const pinned = async () => (await parts.context.pins.read()).recovery_key;

  it('is not led back to the halves of before, once a rotation has followed', async () => {
    expect(await rotate(await served(second, first), first)).toEqual(second.halves);
    await expectCode(begin(await served(first)), 'recovery_key_changed');
    await expectCode(begin(await served(evil, first)), 'recovery_key_changed');
    expect(await begin(await served(second, first))).toEqual(second.halves);
  });

  it('is not led elsewhere by the halves of before, where its app still tells their fingerprint', async () => {
    await begin(await served(second, first));
    await expectCode(begin(await served(evil, first), first.fingerprint), 'recovery_key_changed');
    expect(await begin(await served(second, first), first.fingerprint)).toEqual(second.halves);
  });

  it('follows by the word of the company where it knows of no succession', async () => {
    expect(await begin(await served(second), second.fingerprint)).toEqual(second.halves);
    expect(await rotate(await served(first), second, first.fingerprint)).toEqual(first.halves);
    expect(await pinned()).toBe(first.fingerprint);
  });

  it('pins nothing by the word of the person’s keys alone, which a thief may have had', async () => {
    expect(await rotate(await served(evil), evil)).toEqual(evil.halves);
    expect(await pinned()).toBe(first.fingerprint);
  });
});
