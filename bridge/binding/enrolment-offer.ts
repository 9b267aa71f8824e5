import { parseAddress } from '../../protocol/address.ts';
import type { EnrolmentOffer, EnrolmentRequest } from '../../protocol/api.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { importSignatureKey } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { KeyStatement, SignedStatement } from '../../protocol/key-statement.ts';
import { type EncryptionKey, type SignatureKey, thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { addressesOf, findAddress, type HeldAddress } from '../directory/addresses.ts';
import { devicesOf, findDevice } from '../directory/devices.ts';
import { findDomain } from '../directory/domains.ts';
import { findPersonKeys } from '../directory/person-keys.ts';
import { type Person, requireActivePerson, skipKeyVersions } from '../directory/persons.ts';
import { loseStatements, newestOf } from '../directory/statements.ts';
import { seconds } from '../lib/clock.ts';
import { newHandle, newId } from '../lib/ids.ts';
import { ENROLMENT_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { isUniqueViolation, type Query } from '../storage/database.ts';
import { type EnrolmentState, openState, sealState, transcriptOf } from './enrolment-state.ts';
import { findEnrolmentByRequest, insertEnrolment, type StoredEnrolment } from './enrolment-store.ts';
import type { Holder } from './holder.ts';
import { requirePersonPermission } from './permission.ts';
import { type OrganizationEscrowSetting, readRecoveryHalves } from './recovery-key.ts';
import type { BindingDeps, Enrolments } from './services.ts';

export type OfferDeps = BindingDeps & {
  /** Whether keys are escrowed to the organization; not if absent. */
  readonly organizationEscrow?: OrganizationEscrowSetting;
};

/** Step 1 of an enrolment (PROTOCOL §2). */
export function createOffers(deps: OfferDeps): Enrolments['offer'] {
  const { database, signer, events } = deps;

  async function findEarlier(who: Holder, requestId: string): Promise<StoredEnrolment | undefined> {
    return database.read((query) => findEnrolmentByRequest(query, who.sub, requestId));
  }

  async function repeat(earlier: StoredEnrolment, requestHash: string): Promise<EnrolmentOffer> {
    if (earlier.request_hash !== requestHash) throw new CountersignError('request_id_reused');
    return (await openState(signer, earlier)).offer;
  }

  async function store(
    who: Holder,
    state: EnrolmentState,
    requestHash: string,
    context: RequestContext,
  ): Promise<void> {
    const { offer, request } = state;
    const sealed = await sealState(signer, who.sub, state);
    await database.transaction(async (transaction) => {
      const inserted = insertEnrolment(transaction, {
        enrolment_id: offer.enrolment_id,
        sub: who.sub,
        request_id: request.request_id,
        request_hash: requestHash,
        device_id: who.deviceId,
        sealed,
        created: offer.statement.since,
        expires: offer.expires,
      });
      const appended = events.append(transaction, {
        type: 'enrolment.offered',
        actor: context.actor,
        subject: { sub: who.sub, address: offer.statement.address, device: who.deviceId },
        outcome: 'success',
        requestId: context.requestId,
        data: { enrolment_id: offer.enrolment_id },
      });
      await Promise.all([inserted, appended]);
    });
  }

  return async (who, request, context) => {
    const requestHash = hashOfRequest(who, request);
    const earlier = await findEarlier(who, request.request_id);
    if (earlier !== undefined) return repeat(earlier, requestHash);
    await assertKeys(deps.engine, who, request);
    const found = await database.read((query) => readStanding(query, who, request));
    requireEnrolmentPermission(deps, who, found);
    await assertEscrowWanted(deps, found, request);
    assertNotEnrolled(found);
    const isBehindLost = found.last === undefined && (await settleLost(deps, found));
    const standing = isBehindLost ? await database.read((query) => readStanding(query, who, request)) : found;
    assertNewSignatureKey(standing, request);
    const state = prepare(deps, who, request, standing);
    try {
      await store(who, state, requestHash, context);
    } catch (error) {
      if (!isUniqueViolation(error, 'enrolments')) throw error;
      const meanwhile = await findEarlier(who, request.request_id);
      if (meanwhile === undefined) throw error;
      return repeat(meanwhile, requestHash);
    }
    return state.offer;
  };
}

/** What must be the same for a repeated request to be answered the same: an offer is good for one token only. */
function hashOfRequest(who: Holder, request: EnrolmentRequest): string {
  return sha256Base64url(JSON.stringify([request, who.deviceId, who.accessTokenHash]));
}

/** All four keys are the client's choice, and may be anything. */
async function assertKeys(engine: TransformEngine, who: Holder, request: EnrolmentRequest): Promise<void> {
  assertOwnDeviceKey(who, request.device_sig);
  await importSignatureKey(request.sig);
  preFromJwk(engine, request.client_half);
  await assertDeviceKeys(engine, request);
  if (thumbprint(request.sig) === who.deviceId) {
    throw new CountersignError('key_invalid', 'the person and the device need signature keys of their own');
  }
  if (thumbprint(request.client_half) === thumbprint(request.device_key)) {
    throw new CountersignError('key_invalid', 'the person and the device need encryption keys of their own');
  }
}

/** Throws `dpop_invalid` unless this is the key that the access token is bound to. */
export function assertOwnDeviceKey(who: Holder, deviceSig: SignatureKey): void {
  if (thumbprint(deviceSig) === who.deviceId) return;
  throw new CountersignError('dpop_invalid', 'device_sig must be the key that the access token is bound to.');
}

/** Throws `key_invalid`, `recrypt_input_invalid`. */
export async function assertDeviceKeys(
  engine: TransformEngine,
  keys: { device_key: EncryptionKey; device_sig: SignatureKey },
): Promise<void> {
  await importSignatureKey(keys.device_sig);
  preFromJwk(engine, keys.device_key);
}

interface Standing {
  readonly person: Person;
  /** As asked for; who holds it, if anybody. */
  readonly address: string;
  readonly held: HeldAddress | undefined;
  readonly domainVerified: boolean;
  readonly devices: number;
  readonly latest: SignedStatement | undefined;
  /** What the next version continues: `latest`, or one that is erased. */
  readonly last: { readonly version: number; readonly hash: string } | undefined;
  /** The address of the person's keys, where they have any. */
  readonly enrolledAddress: string | undefined;
  readonly deviceKnown: boolean;
}

async function readStanding(query: Query, who: Holder, request: EnrolmentRequest): Promise<Standing> {
  const person = await requireActivePerson(query, who.sub);
  const address = await addressToEnrol(query, who.sub, request.address);
  const [held, devices, { latest, last }, keys, device] = await Promise.all([
    findAddress(query, address),
    devicesOf(query, who.sub),
    newestOf(query, address),
    findPersonKeys(query, who.sub),
    findDevice(query, who.deviceId),
  ]);
  const domain = held === undefined ? undefined : await findDomain(query, held.domain);
  return {
    ...{ person, address, held, latest, last },
    domainVerified: domain?.status === 'verified',
    devices: devices.length,
    enrolledAddress: keys?.address,
    deviceKnown: device !== undefined,
  };
}

async function addressToEnrol(query: Query, sub: string, named: string | undefined): Promise<string> {
  if (named !== undefined) return parseAddress(named).address;
  const [primary] = await addressesOf(query, sub);
  if (primary === undefined) throw new CountersignError('no_address');
  return primary.address;
}

function requireEnrolmentPermission(
  deps: BindingDeps,
  who: Holder,
  { address, held, devices }: Standing,
): void {
  const owner = held === undefined ? {} : { owner: held.sub };
  const assurance = held?.sub === who.sub ? { assurance: who.assurance } : {};
  const { domain } = parseAddress(address);
  requirePersonPermission(deps, who, {
    action: 'enrol',
    resource: { kind: 'address', id: address, domain, ...owner, ...assurance },
    facts: { devices },
  });
}

/**
 * Registered services are out of it: who registered their keys registers new ones. While a half is missing, nobody can be
 * made to escrow. Throws `escrow_unsupported`, `escrow_required`.
 */
async function assertEscrowWanted(
  { database, organizationEscrow: setting = 'off' }: OfferDeps,
  { person }: Standing,
  { escrow }: EnrolmentRequest,
): Promise<void> {
  const isService = ['gateway', 'recorder', 'bot'].includes(person.assurance);
  if (escrow === 'organization') {
    const halves = setting === 'off' ? undefined : await database.read(readRecoveryHalves);
    if (halves === undefined) throw new CountersignError('escrow_unsupported');
  } else if (setting === 'required' && !isService) {
    throw new CountersignError('escrow_required');
  }
}

/**
 * Of an address that a recovered store does not know the log may have versions all the same: what is enrolled now goes on
 * behind them, and so do the person's key versions. Answers whether there are any.
 */
async function settleLost({ lostNames, clock }: OfferDeps, { address, person }: Standing): Promise<boolean> {
  const settled = await lostNames?.settle('address', address, async (tx, marker) => {
    await loseStatements(tx, address, { from: 0, marker, now: seconds(clock) });
    await skipKeyVersions(tx, person.sub, marker.version);
  });
  return settled !== undefined;
}

function assertNotEnrolled(standing: Standing): void {
  if (!standing.domainVerified) {
    throw new CountersignError('domain_not_approved', 'The domain of this address is not verified.');
  }
  if (standing.latest?.statement.status === 'active') throw new CountersignError('already_enrolled');
  if (standing.enrolledAddress !== undefined) {
    throw new CountersignError(
      'already_enrolled',
      `In this version one address per person is enrolled; yours is ${standing.enrolledAddress}.`,
    );
  }
  if (standing.deviceKnown) throw new CountersignError('conflict', 'This device key is in use.');
}

/** Whoever has the old private key, which may be why there was a reset, must not have the new one. */
function assertNewSignatureKey({ latest }: Standing, { sig }: EnrolmentRequest): void {
  if (latest !== undefined && thumbprint(latest.statement.keys[1]) === thumbprint(sig)) {
    throw new CountersignError('key_invalid', 'An enrolment after a revocation begins with new keys.');
  }
}

function prepare(
  deps: BindingDeps,
  who: Holder,
  request: EnrolmentRequest,
  standing: Standing,
): EnrolmentState {
  const { engine, signer, policy, clock } = deps;
  const share = engine.generateKeyPair();
  const personKey = preToJwk(
    engine.augmentPublicKey(preFromJwk(engine, request.client_half), share.publicKey),
  );
  const now = seconds(clock);
  const offered = {
    iss: signer.iss,
    enrolment_id: newId(),
    nonce: newHandle(),
    policy_hash: policy.hash,
    share: preToJwk(share.publicKey),
    person_key: personKey,
    statement: statementFor(signer.iss, standing, request, personKey, now),
    expires: now + ENROLMENT_LIFE_S,
  };
  const transcript = transcriptOf({ request, offer: offered, access_token_hash: who.accessTokenHash });
  const proof = engine.schnorrSign(share.privateKey, share.publicKey, transcript);
  return {
    request,
    offer: { ...offered, share_proof: encodeBase64url(proof) },
    access_token_hash: who.accessTokenHash,
    share: encodeBase64url(share.privateKey),
  };
}

/** The next version of the address, and of the person's keys (PROTOCOL §3). What came before it was revoked. */
function statementFor(
  iss: string,
  { person, address, latest, last }: Standing,
  { sig, escrow }: EnrolmentRequest,
  personKey: EncryptionKey,
  now: number,
): KeyStatement {
  const statement = {
    v: 1 as const,
    iss,
    sub: person.sub,
    address,
    version: last === undefined ? 0 : last.version + 1,
    key_version: person.key_version === null ? 0 : person.key_version + 1,
    status: 'active' as const,
    keys: [personKey, sig] as KeyStatement['keys'],
    assurance: person.assurance,
    escrow: escrow ?? ('none' as const),
    since: now,
    prev: last?.hash ?? null,
  };
  if (last === undefined) return statement;
  const afterReset = latest?.statement.reason === 'reset' && latest.statement.sub === person.sub;
  return { ...statement, reason: afterReset ? 'reset' : 're-enrolled' };
}
