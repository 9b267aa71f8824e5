import { decodeBase64url } from '../../../protocol/base64url.ts';
import { signBytes } from '../../../protocol/ed25519.ts';
import type { NoteSigner } from '../../../protocol/tlog/signed-note.ts';
import {
  ED25519_COSIGNATURE,
  ED25519_NOTE,
  type VerifierKey,
  verifierKey,
} from '../../../protocol/tlog/verifier-key.ts';
import { testKey } from '../company.ts';

/** A signer of notes under this name, always with the same key; and its keys as a log and as a witness. */
export async function noteSigner(
  name: string,
): Promise<NoteSigner & { readonly logKey: VerifierKey; readonly witnessKey: VerifierKey }> {
  const key = await testKey(name);
  const publicKey = decodeBase64url(key.publicKey.x);
  return {
    name,
    publicKey,
    sign: async (message) => decodeBase64url(await signBytes(key, message)),
    logKey: verifierKey(name, ED25519_NOTE, publicKey),
    witnessKey: verifierKey(name, ED25519_COSIGNATURE, publicKey),
  };
}
