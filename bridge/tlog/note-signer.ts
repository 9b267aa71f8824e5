import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { verifyBytes } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { NoteSigner } from '../../protocol/tlog/checkpoint.ts';
import { ED25519_NOTE, type VerifierKey, verifierKey } from '../../protocol/tlog/verifier-key.ts';
import type { LogPurpose } from '../signer/purposes.ts';
import type { Signer } from '../signer/signer.ts';

/** The key that signs for a log now, as verifiers know it: named by the log's origin. */
export function currentLogKey(
  signer: Pick<Signer, 'currentKey'>,
  origin: string,
  purpose: LogPurpose = 'log',
): VerifierKey {
  return verifierKey(origin, ED25519_NOTE, decodeBase64url(signer.currentKey(purpose).x, 32));
}

/** The keys of a log among a bridge's online keys, as verifiers know them. */
export function logVerifierKeys(
  keys: readonly { readonly jwk: { readonly x: string } }[],
  origin: string,
): VerifierKey[] {
  return keys.map(({ jwk }) => verifierKey(origin, ED25519_NOTE, decodeBase64url(jwk.x, 32)));
}

/**
 * The same key, for one signature: a rotation in between must not put one key's id beside another's
 * signature, so what was signed is verified under the key that was named.
 */
export function logNoteSigner(
  signer: Pick<Signer, 'currentKey' | 'signNote'>,
  origin: string,
  purpose: LogPurpose = 'log',
): NoteSigner {
  const { publicKey } = currentLogKey(signer, origin, purpose);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } as const;
  return {
    name: origin,
    publicKey,
    async sign(message) {
      const signature = await signer.signNote(purpose, message);
      if (!(await verifyBytes(jwk, message, encodeBase64url(signature)))) {
        throw new CountersignError('unavailable', 'The log key was replaced just now.');
      }
      return signature;
    },
  };
}
