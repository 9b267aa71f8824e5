import { newId } from '../../bridge/lib/ids.ts';
import { type Credential, verifyCredential } from '../../protocol/credential.ts';
import { generateSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { signJws } from '../../protocol/jws.ts';
import { type KeyPurpose, type OnlineKey, signOnlineKeys } from '../../protocol/online-keys.ts';
import { DOMAIN } from '../company/domain.ts';
import { makePeople } from '../company/people.ts';
import { answerParent } from '../processes/child.ts';

const ISS = 'https://bridge.bench.example';
const AUDIENCE = sha256Base64url('a device');
const DAY_S = 86_400;

interface Verification {
  readonly credentials: readonly { readonly address: string; readonly credential: Credential }[];
  readonly rootThumbprint: string;
  readonly now: number;
}

/** Seconds to verify every credential of a batch, all at once and one after the other. */
export interface VerificationTimes {
  /** Of people never seen before: each key is checked to be a safe one. */
  readonly unknown: number;
  readonly known: number;
  readonly knownOneByOne: number;
}

const handlers = {
  verify: async (people: number): Promise<VerificationTimes> => {
    const batch = await issue(people);
    const together = () => Promise.all(batch.credentials.map((each) => verifyOne(batch, each)));
    const oneByOne = async () => {
      for (const each of batch.credentials) await verifyOne(batch, each);
    };
    return {
      unknown: await timed(together),
      known: await timed(together),
      knownOneByOne: await timed(oneByOne),
    };
  },
};
export type VerificationProcess = typeof handlers;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Credentials with attributes, as a look-up answers them. */
async function issue(people: number): Promise<Verification> {
  const now = Math.floor(Date.now() / 1000);
  const times = { iat: now, exp: now + DAY_S };
  const root = await generateSigningKey(false);
  const binding = await generateSigningKey(false);
  const onlineKeys = await signOnlineKeys(root, {
    ...{ iss: ISS, serial: 1, ...times, compromised: [] },
    keys: [await keyOf('binding', binding), await keyOf('federation'), await keyOf('statement')],
  });
  const enrolled = await makePeople(ISS, people, now);
  const credentials = await Promise.all(
    enrolled.map(async ({ statement, signatures, name }) => {
      const head = { iss: ISS, sub: statement.sub, jti: newId(), ...times };
      const { reason: _, ...stated } = statement;
      const claims = {
        ...head,
        nbf: now,
        policy_hash: sha256Base64url('policy'),
        statement: stated,
        signatures,
      };
      const told = { ...head, jti: newId(), aud: AUDIENCE, organization: 'Bench', name };
      const credential = {
        binding: await signJws(binding, 'key-binding+jwt', claims),
        online_keys: onlineKeys,
        attributes: await signJws(binding, 'identity-attributes+jwt', told),
      };
      return { address: statement.address, credential };
    }),
  );
  return { credentials, rootThumbprint: root.kid, now };
}

async function keyOf(purpose: KeyPurpose, key?: SigningKey): Promise<OnlineKey> {
  const now = Math.floor(Date.now() / 1000);
  const { publicKey } = key ?? (await generateSigningKey(false));
  return { purpose, jwk: publicKey, nbf: now - 60, exp: now + DAY_S };
}

async function verifyOne(
  { rootThumbprint, now }: Verification,
  { address, credential }: Verification['credentials'][number],
): Promise<void> {
  const issuer = { entity_id: ISS, root_thumbprint: rootThumbprint, domains: [DOMAIN] };
  const policy = { level: 'signed' as const, maxAge: 60 };
  await verifyCredential(credential, address, { issuer, policy, now, audience: AUDIENCE });
}

answerParent(handlers);
