import type { Signer } from '../../bridge/signer/signer.ts';
import {
  type Credential,
  type EncryptionKey,
  generateSigningKey,
  type Json,
  type KeyStatement,
  type SigningKey,
  type StatementSignature,
  signJws,
  signOnlineKeys,
  signStatement,
  statementHash,
  type VerifiedCredential,
} from '../../protocol/index.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';

/** The keys that the attacker wants people to encrypt to. */
export interface AttackerKeys {
  readonly pre: EncryptionKey;
  readonly sig: SigningKey;
}

export async function makeAttackerKeys(engine: TransformEngine): Promise<AttackerKeys> {
  return {
    pre: preToJwk(engine.generateKeyPair().publicKey),
    sig: await generateSigningKey(false),
  };
}

/** Who vouches for the forgery: the company's real keys, stolen, or keys of the attacker's own. */
export type Forger = Pick<Signer, 'iss' | 'signStatement' | 'onlineKeysToken'> & {
  signBinding(claims: Json): Promise<string>;
};

export function withStolenKeys(signer: Signer): Forger {
  return {
    iss: signer.iss,
    signStatement: (statement) => signer.signStatement(statement),
    onlineKeysToken: () => signer.onlineKeysToken(),
    signBinding: (claims) => signer.sign('binding', 'key-binding+jwt', claims),
  };
}

/** Somebody in between: with a root and online keys of their own, in the name of the company. */
export async function withOwnKeys(iss: string): Promise<Forger> {
  const [root, binding, statement] = await Promise.all([
    ...[generateSigningKey(false), generateSigningKey(false), generateSigningKey(false)],
  ] as const);
  const now = seconds();
  const times = { nbf: now, exp: now + DAY };
  const token = await signOnlineKeys(root, {
    ...{ iss, serial: 1, iat: now, exp: now + DAY, compromised: [] },
    keys: [
      { jwk: binding.publicKey, purpose: 'binding', ...times },
      { jwk: statement.publicKey, purpose: 'statement', ...times },
    ],
  });
  return {
    iss,
    signStatement: (forged) => signStatement(statement, forged),
    onlineKeysToken: () => token,
    signBinding: (claims) => signJws(binding, 'key-binding+jwt', claims),
  };
}

export interface Pretence {
  /** The bridge says that it reset the person; else that they rotated their key. */
  readonly reason?: 'reset';
  readonly address?: string;
  /** A proof out of the real log, of another version. */
  readonly logProof?: string;
}

/** A credential for the person's address with the attacker's keys in it, as the next version of the real one. */
export async function forgeCredential(
  forger: Forger,
  attacker: AttackerKeys,
  real: VerifiedCredential,
  pretence: Pretence,
): Promise<Credential> {
  const { logProof, ...said } = pretence;
  const statement: KeyStatement = {
    ...real.statement,
    ...said,
    version: real.statement.version + 1,
    key_version: real.statement.key_version + 1,
    keys: [attacker.pre, attacker.sig.publicKey],
    since: seconds(),
    prev: statementHash(real.statement),
  };
  const signatures: StatementSignature[] = [await signStatement(attacker.sig, statement)];
  if (said.reason !== undefined) signatures.push(await forger.signStatement(statement));
  const now = seconds();
  const claims = {
    ...{ iss: forger.iss, sub: statement.sub, jti: crypto.randomUUID() },
    ...{ iat: now, nbf: now, exp: now + DAY, policy_hash: real.binding.policy_hash },
    ...{ statement, signatures },
  };
  return {
    binding: await forger.signBinding(JSON.parse(JSON.stringify(claims))),
    online_keys: forger.onlineKeysToken(),
    ...(logProof === undefined ? {} : { log_proof: logProof }),
  };
}

const DAY = 86_400;

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
