import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { verifyBytes } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { NoteSigner } from '../../protocol/tlog/checkpoint.ts';
import { ED25519_NOTE, type VerifierKey, verifierKey } from '../../protocol/tlog/verifier-key.ts';
import type { Signer } from '../signer/signer.ts';

/** The log key that signs now, as verifiers know it: named by the log's origin. */
export function currentLogKey(signer: Pick<Signer, 'currentKey'>, origin: string): VerifierKey {
  return verifierKey(origin, ED25519_NOTE, decodeBase64url(signer.currentKey('log').x, 32));
}

/**
 * The log key that signs now, for one signature: a rotation in between must not put one key's id beside another's
 * signature, so what was signed is verified under the key that was named.
 */
export function logNoteSigner(signer: Pick<Signer, 'currentKey' | 'signNote'>, origin: string): NoteSigner {
  const { publicKey } = currentLogKey(signer, origin);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } as const;
  return {
    name: origin,
    publicKey,
    async sign(message) {
      const signature = await signer.signNote('log', message);
      if (!(await verifyBytes(jwk, message, encodeBase64url(signature)))) {
        throw new CountersignError('unavailable', 'The log key was replaced just now.');
      }
      return signature;
    },
  };
}
