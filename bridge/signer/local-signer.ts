import { decodeBase64url } from '../../protocol/base64url.ts';
import { type SigningKey, signBytes } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { ObjectType } from '../../protocol/jws.ts';
import { type KeyStatement, type StatementSignature, signStatement } from '../../protocol/key-statement.ts';
import {
  type KeyPurpose,
  type OnlineKey,
  type OnlineKeys,
  verifyOnlineKeys,
} from '../../protocol/online-keys.ts';
import { type SignatureKey, thumbprint } from '../../protocol/public-key.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Database } from '../storage/database.ts';
import { type Claims, signCompact } from './compact-jws.ts';
import { KeyEncryptionKey } from './key-encryption-key.ts';
import { assertCheckpoint, assertSignable, PURPOSES } from './purposes.ts';
import { createSamlKeys, readSamlKeys } from './saml-keys.ts';
import type { DerivedSecret, SamlKeys, SealContext, Signer } from './signer.ts';
import { findSigner, keyInForce, openKey, readState, refused } from './stored-keys.ts';

export interface LocalSignerDeps {
  readonly database: Database;
  /** 32 bytes, from the environment, a file or a KMS. */
  readonly keyEncryptionKey: Uint8Array;
  readonly iss: string;
  readonly clock: Clock;
}

/**
 * Opens the signer whose keys rest in the database, sealed under the key-encryption key.
 *
 * Throws `state_refused`, with what to do, for a store without keys, another key-encryption key, another entity id,
 * damaged keys, or online keys that have expired; `config_invalid` for a key-encryption key that is none.
 */
export async function openLocalSigner(deps: LocalSignerDeps): Promise<Signer> {
  const kek = new KeyEncryptionKey(deps.keyEncryptionKey);
  return new LocalSigner(deps, kek, await load(deps, kek, 0));
}

interface Loaded {
  readonly token: string;
  readonly onlineKeys: OnlineKeys;
  /** Those that sign now or will. */
  readonly keys: readonly LoadedKey[];
}

type LoadedKey = Pick<OnlineKey, 'purpose' | 'nbf' | 'exp'> & { readonly key: SigningKey };

class LocalSigner implements Signer {
  readonly iss: string;
  readonly #deps: LocalSignerDeps;
  readonly #kek: KeyEncryptionKey;
  #loaded: Loaded;
  #samlKeys: Promise<SamlKeys> | undefined;

  constructor(deps: LocalSignerDeps, kek: KeyEncryptionKey, loaded: Loaded) {
    this.iss = deps.iss;
    this.#deps = deps;
    this.#kek = kek;
    this.#loaded = loaded;
  }

  get rootThumbprint(): string {
    return this.#loaded.onlineKeys.rootThumbprint;
  }

  async sign(purpose: KeyPurpose, type: ObjectType, claims: Claims): Promise<string> {
    assertSignable(purpose, type, claims, this.iss);
    return signCompact(this.#keyInForce(purpose), type, claims);
  }

  async signStatement(statement: KeyStatement): Promise<StatementSignature> {
    if (statement.iss !== this.iss) {
      throw new CountersignError('internal', undefined, {
        cause: new Error(`a statement of ${statement.iss} is not ours to sign`),
      });
    }
    return signStatement(this.#keyInForce('statement'), statement);
  }

  async signNote(purpose: 'log', text: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    assertCheckpoint(text, this.iss);
    return decodeBase64url(await signBytes(this.#keyInForce(purpose), text), 64);
  }

  onlineKeysToken(): string {
    return this.#loaded.token;
  }

  onlineKeys(): OnlineKeys {
    return this.#loaded.onlineKeys;
  }

  currentKey(purpose: KeyPurpose): SignatureKey {
    return this.#keyInForce(purpose).publicKey;
  }

  async seal(context: SealContext, plaintext: Uint8Array): Promise<Uint8Array> {
    return this.#kek.seal(context, plaintext);
  }

  async open(context: SealContext, sealed: Uint8Array): Promise<Uint8Array> {
    return this.#kek.open(context, sealed);
  }

  deriveSecret(use: DerivedSecret, length: number): Uint8Array {
    return this.#kek.deriveSecret(use, length);
  }

  async samlKeys(): Promise<SamlKeys> {
    this.#samlKeys ??= this.#readOrCreateSamlKeys();
    try {
      return await this.#samlKeys;
    } catch (error) {
      this.#samlKeys = undefined;
      throw error;
    }
  }

  async refresh(): Promise<void> {
    this.#samlKeys = undefined;
    const stored = await this.#deps.database.read(findSigner);
    if (stored?.token === this.#loaded.token) return;
    this.#loaded = await load(this.#deps, this.#kek, this.#loaded.onlineKeys.serial);
  }

  #keyInForce(purpose: KeyPurpose): SigningKey {
    const found = keyInForce(this.#loaded.keys, purpose, seconds(this.#deps.clock));
    if (found === undefined) {
      throw new CountersignError('unavailable', `The ${purpose} key of this bridge has expired.`);
    }
    return found.key;
  }

  async #readOrCreateSamlKeys(): Promise<SamlKeys> {
    const stored = await this.#deps.database.read((query) => readSamlKeys(query, this.#kek));
    return stored ?? createSamlKeys(this.#deps, this.#kek);
  }
}

/** One moment's state: a rotation between two reads would give keys that do not fit their token. */
async function load(deps: LocalSignerDeps, kek: KeyEncryptionKey, leastSerial: number): Promise<Loaded> {
  return deps.database.transaction(async (tx) => {
    const state = await readState(tx, kek);
    if (state.iss !== deps.iss) {
      throw refused(`The keys in this store are those of ${state.iss}, not of ${deps.iss}.`);
    }
    const now = seconds(deps.clock);
    const onlineKeys = await verifyStoredKeys(state.token, { ...state, leastSerial }, now);
    const published = state.claims.keys.filter(
      ({ jwk }) => !state.claims.compromised.includes(thumbprint(jwk)),
    );
    const needed = published.filter(
      (key) => key.nbf > now || keyInForce(published, key.purpose, now) === key,
    );
    const keys = await Promise.all(
      needed.map(async ({ purpose, nbf, exp, ...rest }) => {
        const key = await openKey(tx, kek, { purpose, nbf, exp, ...rest });
        return { purpose, nbf, exp, key };
      }),
    );
    for (const purpose of PURPOSES) {
      if (keyInForce(keys, purpose, now) === undefined) throw refused(`There is no ${purpose} key in use.`);
    }
    return { token: state.token, onlineKeys, keys };
  });
}

async function verifyStoredKeys(
  token: string,
  expected: { iss: string; rootThumbprint: string; leastSerial: number },
  now: number,
): Promise<OnlineKeys> {
  try {
    return await verifyOnlineKeys(token, expected, now);
  } catch (cause) {
    throw refused(
      'The online keys of this bridge have expired, are from the future, or are older than the ones in use. ' +
        'Set the clock, or bring the offline root and run `countersign keys rotate`.',
      cause,
    );
  }
}
