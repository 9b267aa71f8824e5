import { vaultSchema } from '../protocol/api.ts';
import { decodeBase64url } from '../protocol/base64url.ts';
import { utf8 } from '../protocol/bytes.ts';
import { importSigningKey, type SigningKey, signBytes, verifyBytes } from '../protocol/ed25519.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { type KeyStatement, statementHash } from '../protocol/key-statement.ts';
import { type SignatureKey, thumbprint } from '../protocol/public-key.ts';
import { decodeVault, type VaultContent, vaultContext } from '../protocol/vault.ts';
import { preToJwk } from '../recrypt/encoding.ts';
import { openSealed } from '../recrypt/sealed-box.ts';
import type { ClientContext, Device } from './context.ts';
import type { ClientParts } from './own-account.ts';
import { pinnedHalf, withOwnKey } from './own-keys.ts';
import { type PersonKeys, personKeys } from './person-keys.ts';

/** A vault that a device opens was transformed once: person to device. */
const HOPS = 1;

/**
 * Fetches and opens the vault of the person whose verified statement this is. The caller drops the keys.
 *
 * Anybody can seal to a public key, so what comes out is held against the statement: `sig` must be the private half of
 * its `sig`, which no bridge has. u cannot be held against U′ without the bridge's share; where U is pinned (this
 * device enrolled, or opened the vault before) it must be that one. A wrong u gives the bridge nothing: transform keys
 * made from it lead nowhere. Throws `vault_mismatch`, `recrypt_decrypt_failed`.
 */
export async function openOwnVault(
  { context, api }: ClientParts,
  device: Device,
  statement: KeyStatement,
): Promise<PersonKeys> {
  const answer = await api.get('/v1/vault', vaultSchema);
  if (statementHash(answer.statement) !== statementHash(statement)) {
    throw new CountersignError('vault_mismatch', 'the vault is for another statement');
  }
  const bytes = decodeBase64url(answer.vault);
  const opened = await openSealed(context.engine, device.pre, bytes, vaultContext(statement), HOPS);
  const content = readVault(opened);
  opened.fill(0);
  const sig = await provenSigningKey(content, statement.keys[1]);
  const keys = personKeys(sig, { ...content, sig: { ...sig.publicKey, d: content.sig.d } });
  await pinHalf(context, keys, statement);
  return keys;
}

/** What an opened vault says. Throws `vault_mismatch`. */
export function readVault(opened: Uint8Array): VaultContent {
  try {
    return decodeVault(opened);
  } catch {
    throw new CountersignError('vault_mismatch', 'it does not hold what a vault holds');
  }
}

/**
 * The private key of the vault, under the public key that it must be of. Platforms differ in whether they check that the
 * two belong together: a signature shows it. Throws `vault_mismatch`.
 */
export async function provenSigningKey(
  { sig: { d } }: Pick<VaultContent, 'sig'>,
  expected: SignatureKey,
): Promise<SigningKey> {
  try {
    const sig = await importSigningKey({ ...expected, d }, true);
    const probe = utf8('countersign vault probe');
    if (await verifyBytes(expected, probe, await signBytes(sig, probe))) return sig;
  } catch (error) {
    if (!isCountersignError(error, 'key_invalid')) throw error;
  }
  throw new CountersignError('vault_mismatch', 'its signature key is another one');
}

/** Holds u against the U that is pinned, or pins it. Throws `vault_mismatch`. */
export async function pinHalf(
  context: ClientContext,
  keys: PersonKeys,
  statement: KeyStatement,
): Promise<void> {
  const { engine } = context;
  const half = preToJwk(engine.computePublicKey(keys.half));
  await context.pins.update(async (pins) => {
    const pinned = pinnedHalf(pins, statement.address, statement.keys[1]);
    if (pinned !== null && thumbprint(pinned) !== thumbprint(half)) {
      throw new CountersignError('vault_mismatch', 'it holds another half of the key than before');
    }
    const own = { address: statement.address, client_half: half, sig: statement.keys[1] };
    return { pins: withOwnKey(pins, own), result: undefined };
  });
}
