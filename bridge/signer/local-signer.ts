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
import { type Claims, signCompact, signParts } from './compact-jws.ts';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import { type GivenKeys, KeyRing } from './key-ring.ts';
import type { LentBytes } from './lent-bytes.ts';
import { assertCheckpoint, assertSignable, type LogPurpose, PURPOSES } from './purposes.ts';
import { createSamlKeys, readSamlKeys } from './saml-keys.ts';
import type { SignMessage } from './signatures.ts';
import type { DerivedSecret, ListClaim, SamlKeys, SealContext, Signer } from './signer.ts';
import { findSigner, keyInForce, openKey, readState, refused } from './stored-keys.ts';
import type { JsonParts } from './written-json.ts';

/** The keys of `GivenKeys` come from the environment, a file or a KMS. */
export interface LocalSignerDeps extends GivenKeys {
  readonly database: Database;
  readonly iss: string;
  readonly clock: Clock;
  /** Signs what is short. Default: one after the other, by WebCrypto. */
  readonly signMessage?: SignMessage | undefined;
}

/**
 * Opens the signer whose keys rest in the database, sealed under the key-encryption key.
 *
 * Throws `state_refused`, with what to do, for a store without keys, another key-encryption key, another entity id,
 * damaged keys, or online keys that have expired; `config_invalid` for a key-encryption key that is none.
 */
export async function openLocalSigner(deps: LocalSignerDeps): Promise<Signer> {
  const ring = new KeyRing(deps);
  return new LocalSigner(deps, ring, await load(deps, ring, 0));
}

interface Loaded {
  readonly token: string;
  readonly onlineKeys: OnlineKeys;
  /** Those that sign now or will. */
  readonly keys: readonly LoadedKey[];
  /** Null once another key-encryption key is in force than this process has. */
  readonly sealing: KeyEncryptionKey | null;
}

type LoadedKey = Pick<OnlineKey, 'purpose' | 'nbf' | 'exp'> & { readonly key: SigningKey };

class LocalSigner implements Signer {
  readonly iss: string;
  readonly #deps: LocalSignerDeps;
  readonly #ring: KeyRing;
  #loaded: Loaded;
  #samlKeys: Promise<SamlKeys> | undefined;

  constructor(deps: LocalSignerDeps, ring: KeyRing, loaded: Loaded) {
    this.iss = deps.iss;
    this.#deps = deps;
    this.#ring = ring;
    this.#loaded = loaded;
  }

  get rootThumbprint(): string {
    return this.#loaded.onlineKeys.rootThumbprint;
  }

  async sign(purpose: KeyPurpose, type: ObjectType, claims: Claims): Promise<string> {
    assertSignable(purpose, type, claims, this.iss);
    return signCompact(this.#keyInForce(purpose), type, claims, this.#deps.signMessage);
  }

  async signLists(
    purpose: KeyPurpose,
    type: ObjectType,
    claims: Claims,
    lists: readonly ListClaim[],
  ): Promise<LentBytes> {
    assertSignable(purpose, type, claims, this.iss);
    const parts: JsonParts[number][] = [JSON.stringify(claims).slice(0, -1)];
    for (const { name, items } of lists) {
      parts.push(`,${JSON.stringify(name)}:[`);
      items.forEach((item, index) => {
        parts.push(...(index === 0 ? item : [',', ...item]));
      });
      parts.push(']');
    }
    parts.push('}');
    return signParts(this.#keyInForce(purpose), type, parts, this.#deps.signMessage);
  }

  async signStatement(statement: KeyStatement): Promise<StatementSignature> {
    if (statement.iss !== this.iss) {
      throw new CountersignError('internal', undefined, {
        cause: new Error(`a statement of ${statement.iss} is not ours to sign`),
      });
    }
    return signStatement(this.#keyInForce('statement'), statement);
  }

  async signNote(purpose: LogPurpose, text: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    assertCheckpoint(purpose, text, this.iss);
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
    return this.#sealing().seal(context, plaintext);
  }

  async open(context: SealContext, sealed: Uint8Array): Promise<Uint8Array> {
    return this.#ring.open(context, sealed);
  }

  deriveSecret(use: DerivedSecret, length: number): Uint8Array {
    return this.#sealing().deriveSecret(use, length);
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
    const before = this.#loaded;
    if (stored?.token === before.token && stored.kekId === before.sealing?.id) return;
    // What it would seal from now on, the key's other holders could not open.
    if (stored !== undefined && this.#ring.find(stored.kekId) === undefined) {
      this.#loaded = { ...before, sealing: null };
    }
    this.#loaded = await load(this.#deps, this.#ring, before.onlineKeys.serial);
  }

  #sealing(): KeyEncryptionKey {
    const { sealing } = this.#loaded;
    if (sealing !== null) return sealing;
    throw new CountersignError('unavailable', 'This bridge was not given the key-encryption key in force.');
  }

  #keyInForce(purpose: KeyPurpose): SigningKey {
    const found = keyInForce(this.#loaded.keys, purpose, seconds(this.#deps.clock));
    if (found === undefined) {
      throw new CountersignError('unavailable', `The ${purpose} key of this bridge has expired.`);
    }
    return found.key;
  }

  async #readOrCreateSamlKeys(): Promise<SamlKeys> {
    const stored = await this.#deps.database.read((query) => readSamlKeys(query, this.#ring));
    return stored ?? createSamlKeys(this.#deps, { ring: this.#ring, sealing: this.#sealing() });
  }
}

/** One moment's state: a rotation between two reads would give keys that do not fit their token. */
async function load(deps: LocalSignerDeps, ring: KeyRing, leastSerial: number): Promise<Loaded> {
  return deps.database.transaction(async (tx) => {
    const state = await readState(tx, ring);
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
        const key = await openKey(tx, ring, { purpose, nbf, exp, ...rest });
        return { purpose, nbf, exp, key };
      }),
    );
    for (const purpose of PURPOSES) {
      if (keyInForce(keys, purpose, now) === undefined) throw refused(`There is no ${purpose} key in use.`);
    }
    return { token: state.token, onlineKeys, keys, sealing: state.sealing };
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
