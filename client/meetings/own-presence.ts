import { decodeBase64url } from '../../protocol/base64url.ts';
import { endOfEvidence } from '../../protocol/groups/signer-evidence.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { EphemeralKey } from '../../protocol/meetings/hpke.ts';
import { presenceSchema } from '../../protocol/presence.ts';
import { keepRenewing } from './presence-renewals.ts';
import type { Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/**
 * Proves to the host, and whoever asks for the roster, that this device is here, and goes on to: it is renewed before it is
 * too old. `expect` is told the proof's key first.
 */
export async function showPresence(
  session: Session,
  { epoch, challenge }: { readonly epoch: number; readonly challenge: string },
  expect?: (ephemeral: EphemeralKey) => void,
): Promise<void> {
  const { present, group, relay, mediaKey, self } = session.parts;
  const place = { meeting: group.group, aud: group.iss, epoch, challenge, mediaKey };
  const { ephemeralPrivateKey: privateKey, ...shown } = await untilSent(session, () => present(place));
  const { ephemeral } = decodeClaims(shown.proof, 'presence+jwt', presenceSchema);
  expect?.({ privateKey, publicKey: decodeBase64url(ephemeral.x, 32) });
  await untilSent(session, () => relay.present({ ...shown, address: self.address }));
  const presence = { hash: sha256Base64url(shown.proof), until: endOfEvidence(shown) };
  void keepRenewing(session, presence, session.nextPresence());
}
