import { enrolmentResultSchema, type Me } from '../protocol/api.ts';
import { encodeBase64url } from '../protocol/base64url.ts';
import { signBytes } from '../protocol/ed25519.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { escrowOpeningSchema, type RecoveryRequest, recoveryTranscript } from '../protocol/escrow/api.ts';
import { parsePassphrase } from '../protocol/escrow/passphrase.ts';
import { sha256Base64url } from '../protocol/hash.ts';
import { type KeyStatement, statementHash } from '../protocol/key-statement.ts';
import type { VaultContent } from '../protocol/vault.ts';
import { parseAnswer } from './bridge-api.ts';
import type { Enrolment } from './client.ts';
import { type Device, deviceOf } from './context.ts';
import { openEscrow } from './escrow.ts';
import { askWhoIAm, type ClientParts, verifyOwnCredential, verifyOwnDevice } from './own-account.ts';
import { pinHalf, provenSigningKey } from './own-vault.ts';
import { admitDevice, dropPersonKeys, type PersonKeys, personKeys } from './person-keys.ts';
import { randomId } from './random-id.ts';
import type { Access } from './session.ts';

/** The recovery is proven over one access token: it must live through it, seconds. */
const TOKEN_LIFE = 120;

/**
 * Adds this device by the person's passphrase (PROTOCOL §9). The statement is the one in the person's own verified
 * credential, so that what the bridge hands out as escrow must be what these keys vouch for; the private halves are
 * dropped in any case.
 */
export async function recoverDevice(
  parts: ClientParts,
  { label, passphrase }: { label: string; passphrase: string },
): Promise<Enrolment> {
  // A slip is told before a fetch is counted.
  parsePassphrase(passphrase);
  const { context, api } = parts;
  const { me, statement } = await ownStatement(parts, 'passphrase');
  const { escrow, current } = await api.post('/v1/escrow/opening', {}, escrowOpeningSchema);
  if (statementHash(current.statement) !== statementHash(statement)) {
    throw new CountersignError('escrow_mismatch', 'the escrow is for another statement');
  }
  const content = await openEscrow(context.engine, escrow, statement, passphrase);
  return admitRecovered(parts, { me, statement, content, label });
}

/**
 * The statement in the person's own verified credential, if their keys are escrowed in this way. Throws `not_enrolled`,
 * `escrow_none`, and what does not verify.
 */
export async function ownStatement(
  parts: ClientParts,
  method: 'passphrase' | 'organization',
): Promise<{ me: Me; statement: KeyStatement }> {
  const me = await askWhoIAm(parts);
  if (me.credential === null) throw new CountersignError('not_enrolled');
  const { statement } = await verifyOwnCredential(parts, me, me.credential);
  if (statement.escrow !== method) throw new CountersignError('escrow_none');
  return { me, statement };
}

/** Makes this device one of the person's with what was recovered, if that is what belongs to their statement. */
export async function admitRecovered(
  parts: ClientParts,
  recovered: { me: Me; statement: KeyStatement; content: VaultContent; label: string },
): Promise<Enrolment> {
  const { context, api } = parts;
  const { me, statement, content, label } = recovered;
  const sig = await provenSigningKey(content, statement.keys[1]);
  const person = personKeys(sig, { ...content, sig: { ...sig.publicKey, d: content.sig.d } });
  try {
    await pinHalf(context, person, statement);
    const access = await api.access(TOKEN_LIFE);
    const device = deviceOf(context, access.secrets);
    const request = await recoveryRequest(parts, { person, device, statement, access, label });
    const result = await send(parts, access, request);
    const verified = await verifyOwnCredential(parts, me, result.credential);
    const endorsement = await verifyOwnDevice(context, result.device_binding, verified, device);
    return {
      credential: result.credential,
      deviceBinding: result.device_binding,
      verified,
      device: endorsement,
    };
  } finally {
    dropPersonKeys(person);
  }
}

interface Recovering {
  readonly person: PersonKeys;
  readonly device: Device;
  readonly statement: KeyStatement;
  readonly access: Access;
  readonly label: string;
}

async function recoveryRequest(
  { context: { engine, now } }: ClientParts,
  { person, device, statement, access, label }: Recovering,
): Promise<RecoveryRequest> {
  const admitted = { id: device.id, pre: device.preJwk, sig: device.sig.publicKey };
  const { endorsement, transformKey } = await admitDevice(engine, person, statement, admitted, now());
  const request = {
    request_id: randomId(),
    device_key: device.preJwk,
    device_sig: device.sig.publicKey,
    label,
    endorsement,
    transform_key: encodeBase64url(transformKey),
  };
  const transcript = recoveryTranscript(
    {
      iss: statement.iss,
      sub: statement.sub,
      accessTokenHash: sha256Base64url(access.accessToken),
      statementHash: statementHash(statement),
    },
    request,
  );
  return { ...request, sig_proof: await signBytes(person.sig, transcript) };
}

/** An answer that was lost is asked for again: the same request is answered the same. */
async function send({ api }: ClientParts, access: Access, request: RecoveryRequest) {
  const once = async () =>
    parseAnswer(
      await api.send('POST', '/v1/escrow/recoveries', JSON.stringify(request), access),
      enrolmentResultSchema,
    );
  try {
    return await once();
  } catch (error) {
    if (!isCountersignError(error, 'bridge_unreachable')) throw error;
    return once();
  }
}
