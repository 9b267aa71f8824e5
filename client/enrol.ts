import { parseAddress } from '../protocol/address.ts';
import {
  type EnrolmentConfirmation,
  type EnrolmentOffer,
  type EnrolmentRequest,
  type EnrolmentResult,
  enrolmentOfferSchema,
  enrolmentResultSchema,
  type Me,
} from '../protocol/api.ts';
import { encodeBase64url } from '../protocol/base64url.ts';
import { signBytes } from '../protocol/ed25519.ts';
import { isCountersignError } from '../protocol/errors.ts';
import { sha256Base64url } from '../protocol/hash.ts';
import { signedStatementBytes, signStatement, statementHash } from '../protocol/key-statement.ts';
import { confirmationTranscript } from '../protocol/transcript.ts';
import { encodeVault, vaultContext } from '../protocol/vault.ts';
import { preFromJwk, preToJwk } from '../recrypt/encoding.ts';
import { sealTo } from '../recrypt/sealed-box.ts';
import { type BridgeApi, parseAnswer } from './bridge-api.ts';
import type { Client, Enrolment } from './client.ts';
import { type ClientContext, type Device, deviceOf } from './context.ts';
import { type CheckedOffer, checkOffer } from './enrolment-offer.ts';
import type { SealEscrow } from './escrow.ts';
import { loadOnDemand } from './load-on-demand.ts';
import { askWhoIAm, type ClientParts, verifyOwnCredential, verifyOwnDevice } from './own-account.ts';
import { withOwnKey } from './own-keys.ts';
import { admitDevice, dropPersonKeys, makePersonKeys, type PersonKeys } from './person-keys.ts';
import { randomId } from './random-id.ts';
import type { Access } from './session.ts';

/** Both steps are proven over one access token: it must live through them, seconds. */
const TOKEN_LIFE = 120;

/**
 * Enrolls the signed-in person with keys made here (PROTOCOL §2). Nothing is signed before the offer was checked, and
 * nothing is believed before the credential was verified; the person's private halves are dropped in any case.
 */
export async function enrol(parts: ClientParts, options: EnrolOptions): Promise<Enrolment> {
  const { context, api } = parts;
  const who = await askWhoIAm(parts);
  const escrow = await askedEscrow(parts, who, options);
  const access = await api.access(TOKEN_LIFE);
  const device = deviceOf(context, access.secrets);
  const person = await makePersonKeys(context.engine);
  try {
    const request = enrolmentRequest(context, person, device, options);
    const offer = await requestOffer(api, access, request);
    const pins = await context.pins.read();
    const checked = checkOffer(context.engine, offer, {
      issuer: context.issuer,
      who,
      request,
      accessTokenHash: sha256Base64url(access.accessToken),
      pin: (address) => pins.addresses[address],
      now: context.now(),
    });
    const confirmation = await confirm(context, { person, device, request, offer, checked, escrow });
    await noteOwnSig(context, offer.statement.address, request);
    const result = await sendConfirmation(api, access, offer.enrolment_id, confirmation);
    const verified = await verifyOwnCredential(parts, who, result.credential, {
      statementHash: statementHash(offer.statement),
    });
    const endorsement = await verifyOwnDevice(context, result.device_binding, verified, device);
    await pinOwnKey(context, offer.statement.address, request);
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

type EnrolOptions = Parameters<Client['enrol']>[0];

/** What seals the escrow that was asked for, if any, once there are keys. */
async function askedEscrow(
  parts: ClientParts,
  who: Me,
  { escrow }: EnrolOptions,
): Promise<SealEscrow | null> {
  return escrow === undefined ? null : (await loadOnDemand()).beginEscrow(parts, who, escrow);
}

function enrolmentRequest(
  { engine }: ClientContext,
  person: PersonKeys,
  device: Device,
  { label, address, escrow }: EnrolOptions,
): EnrolmentRequest {
  return {
    request_id: randomId(),
    ...(address === undefined ? {} : { address: parseAddress(address).address }),
    client_half: preToJwk(engine.computePublicKey(person.half)),
    sig: person.sig.publicKey,
    device_key: device.preJwk,
    device_sig: device.sig.publicKey,
    device_label: label,
    ...(escrow === undefined
      ? {}
      : { escrow: 'organization' in escrow ? ('organization' as const) : ('passphrase' as const) }),
  };
}

async function requestOffer(
  api: BridgeApi,
  access: Access,
  request: EnrolmentRequest,
): Promise<EnrolmentOffer> {
  const answer = await api.send('POST', '/v1/enrolments', JSON.stringify(request), access);
  return parseAnswer(answer, enrolmentOfferSchema);
}

interface Confirming {
  readonly person: PersonKeys;
  readonly device: Device;
  readonly request: EnrolmentRequest;
  readonly offer: EnrolmentOffer;
  readonly checked: CheckedOffer;
  readonly escrow: SealEscrow | null;
}

async function confirm(context: ClientContext, confirming: Confirming): Promise<EnrolmentConfirmation> {
  const { person, device, request, escrow } = confirming;
  const { statement } = confirming.offer;
  const { personKey, transcript } = confirming.checked;
  const { engine } = context;
  const signature = await signStatement(person.sig, statement);
  const admitted = { id: device.id, pre: device.preJwk, sig: device.sig.publicKey };
  const { endorsement, transformKey } = await admitDevice(engine, person, statement, admitted, context.now());
  const vault = await sealTo(engine, personKey, encodeVault(person.vault), vaultContext(statement));
  const confirmed = confirmationTranscript(transcript, {
    signedStatement: signedStatementBytes({ statement, signatures: [signature] }),
    transformKey,
    vault,
  });
  const half = preFromJwk(engine, request.client_half);
  return {
    statement_signature: signature,
    client_half_proof: encodeBase64url(engine.schnorrSign(person.half, half, confirmed)),
    sig_proof: await signBytes(person.sig, confirmed),
    transform_key: encodeBase64url(transformKey),
    endorsement,
    vault: encodeBase64url(vault),
    ...(escrow === null ? {} : { escrow: await escrow(person, statement) }),
  };
}

/** Stored but not yet published is `unavailable`: the same confirmation, sent again, answers then. */
async function sendConfirmation(
  api: BridgeApi,
  access: Access,
  enrolmentId: string,
  confirmation: EnrolmentConfirmation,
): Promise<EnrolmentResult> {
  const path = `/v1/enrolments/${encodeURIComponent(enrolmentId)}/confirmation`;
  const send = async () =>
    parseAnswer(await api.send('POST', path, JSON.stringify(confirmation), access), enrolmentResultSchema);
  try {
    return await send();
  } catch (error) {
    const mayBeStored =
      isCountersignError(error, 'unavailable') || isCountersignError(error, 'bridge_unreachable');
    if (!mayBeStored) throw error;
    return send();
  }
}

/**
 * Before the bridge can publish it: a monitor of this device, which hears of the new version first, must know whose it is.
 * U is not changed before the enrolment stands.
 */
async function noteOwnSig(context: ClientContext, address: string, { sig }: EnrolmentRequest): Promise<void> {
  await context.pins.update(async (pins) => {
    const isAnother = pins.own_key !== null && pins.own_key.address !== address;
    return {
      pins: isAnother ? pins : withOwnKey(pins, { address, client_half: null, sig }),
      result: undefined,
    };
  });
}

/** U and `sig`, so that this device can later tell its person's vault and keys from others'. */
async function pinOwnKey(context: ClientContext, address: string, request: EnrolmentRequest): Promise<void> {
  const own = { address, client_half: request.client_half, sig: request.sig };
  await context.pins.update(async (pins) => ({ pins: withOwnKey(pins, own), result: undefined }));
}
