import type { EnrolmentConfirmation, EnrolmentResult } from '../../protocol/api.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { verifyOrganizationEscrow } from '../../protocol/escrow/organization-escrow.ts';
import { organizationKeyFingerprint } from '../../protocol/escrow/organization-key.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { statementKey } from '../../protocol/key-binding.ts';
import { type SignedStatement, statementBytes, verifyStatement } from '../../protocol/key-statement.ts';
import { findAddress } from '../directory/addresses.ts';
import { insertDevice } from '../directory/devices.ts';
import { findPersonKeys, insertPersonKeys } from '../directory/person-keys.ts';
import { requireActivePerson, setKeyVersion } from '../directory/persons.ts';
import { insertStatement, newestOf } from '../directory/statements.ts';
import { seconds } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { noteDeviceSignIn, signInStrength } from './device-sign-ins.ts';
import { announce } from './enrolment-announcement.ts';
import { type CheckedConfirmation, checkConfirmation } from './enrolment-checks.ts';
import { type EnrolmentState, openState, sealState } from './enrolment-state.ts';
import { findEnrolment, markConfirmed, type StoredEnrolment } from './enrolment-store.ts';
import { escrowKeyOf, sealEscrow } from './escrow-checks.ts';
import type { Holder } from './holder.ts';
import { readRecoveryHalves } from './recovery-key.ts';
import type { BindingDeps, Credentials, Enrolments } from './services.ts';
import { sealShare, sealTransformKey } from './transform-keys.ts';

/** Step 2 of an enrolment (PROTOCOL §2). */
export function createConfirmations(deps: BindingDeps & { credentials: Credentials }): Enrolments['confirm'] {
  return async (who, enrolmentId, confirmation, context) => {
    const stored = await requireOwnEnrolment(deps, who, enrolmentId);
    const state = await openState(deps.signer, stored);
    const confirmationHash = hashOfConfirmation(who, confirmation);
    const isFirst =
      stored.status === 'offered' &&
      (await confirmOffer(deps, { who, stored, state, confirmation, confirmationHash, context }));
    if (isFirst) return result(deps, who, { ...stored, status: 'confirmed' }, state);
    const confirmed = await requireOwnEnrolment(deps, who, enrolmentId);
    if (confirmed.confirmation_hash !== confirmationHash) {
      throw new CountersignError('replayed', 'This enrolment was confirmed with another body.');
    }
    return result(deps, who, confirmed, state);
  };
}

/** Another person's enrolment is not even said to exist. */
async function requireOwnEnrolment(
  { database }: BindingDeps,
  who: Holder,
  enrolmentId: string,
): Promise<StoredEnrolment> {
  const stored = await database.read((query) => findEnrolment(query, enrolmentId));
  if (stored?.sub !== who.sub) throw new CountersignError('enrolment_unknown');
  return stored;
}

interface Confirming {
  readonly who: Holder;
  readonly stored: StoredEnrolment;
  readonly state: EnrolmentState;
  readonly confirmation: EnrolmentConfirmation;
  readonly confirmationHash: string;
  readonly context: RequestContext;
}

/** Of two confirmations at the same time one is stored: answers whether it was this one. */
async function confirmOffer(deps: BindingDeps, confirming: Confirming): Promise<boolean> {
  const { who, stored, state, confirmation } = confirming;
  assertInTime(deps, stored);
  assertSameSession(who, stored, state);
  assertSamePolicy(deps, state);
  const { address, version } = state.offer.statement;
  // Its proofs are computed while the transform key is tried. Of one name and version it is done once, whoever asks.
  deps.keyLog.expect({ kind: 'address', name: address, version });
  const checked = await checkConfirmation(deps, state, confirmation);
  await assertOwnHalves(deps, checked.signed, confirmation);
  const rows = await prepareRows(deps, who, confirming, checked);
  return deps.database.transaction((transaction) => store(deps, transaction, { ...confirming, rows }));
}

/** An escrow to other halves than the organization's would be of no use to it. Throws `escrow_mismatch`. */
async function assertOwnHalves(
  { database }: BindingDeps,
  { statement }: SignedStatement,
  { escrow }: EnrolmentConfirmation,
): Promise<void> {
  if (statement.escrow !== 'organization' || escrow === undefined) return;
  const { halves } = await verifyOrganizationEscrow(escrow.token, statement);
  const registered = await database.read(readRecoveryHalves);
  const own = registered === undefined ? null : organizationKeyFingerprint(statement.iss, registered);
  if (own !== organizationKeyFingerprint(statement.iss, halves))
    throw new CountersignError('escrow_mismatch', 'it is sealed to other halves than ours');
}

function hashOfConfirmation(who: Holder, confirmation: EnrolmentConfirmation): string {
  return sha256Base64url(JSON.stringify([confirmation, who.deviceId]));
}

function assertInTime({ clock }: BindingDeps, stored: StoredEnrolment): void {
  if (seconds(clock) >= stored.expires) throw new CountersignError('enrolment_expired');
}

function assertSameSession(who: Holder, stored: StoredEnrolment, state: EnrolmentState): void {
  if (stored.device_id !== who.deviceId) {
    throw new CountersignError('enrolment_proof', 'the enrolment was begun by another device');
  }
  if (state.access_token_hash !== who.accessTokenHash) {
    throw new CountersignError('enrolment_proof', 'the enrolment was begun under another access token');
  }
}

function assertSamePolicy({ policy }: BindingDeps, { offer }: EnrolmentState): void {
  if (offer.policy_hash !== policy.hash) {
    throw new CountersignError('conflict', 'The policy has changed since; begin again.');
  }
}

interface Rows {
  readonly signed: SignedStatement;
  readonly endorsement: string;
  readonly vault: Uint8Array;
  readonly sealedShare: Uint8Array;
  readonly sealedTransformKey: Uint8Array;
  readonly sealedEscrow: Uint8Array | null;
  readonly sealedState: Uint8Array;
}

/** Everything that is signed and sealed, before the transaction is opened. */
async function prepareRows(
  deps: BindingDeps,
  who: Holder,
  { state, confirmation }: Confirming,
  checked: CheckedConfirmation,
): Promise<Rows> {
  const { signer } = deps;
  const { statement } = checked.signed;
  const keyVersion = statement.key_version;
  return {
    signed: await completelySigned(deps, checked.signed),
    endorsement: checked.endorsement,
    vault: checked.vault,
    sealedShare: await sealShare(signer, { sub: who.sub, keyVersion }, checked.share),
    sealedTransformKey: await sealTransformKey(
      signer,
      { sub: who.sub, deviceId: who.deviceId, keyVersion },
      checked.transformKey,
    ),
    sealedEscrow: await sealEscrow(signer, { sub: who.sub, keyVersion }, confirmation.escrow),
    sealedState: await sealState(signer, who.sub, { ...state, share: null }),
  };
}

/** With the bridge's signature where the statement begins anew (PROTOCOL §3), and verified as everybody will do it. */
async function completelySigned({ signer }: BindingDeps, signed: SignedStatement): Promise<SignedStatement> {
  const { statement } = signed;
  const complete =
    statement.reason === undefined
      ? signed
      : { statement, signatures: [...signed.signatures, await signer.signStatement(statement)] };
  await verifyStatement(complete, {
    bridgeKey: (kid) => statementKey(signer.onlineKeys(), kid, statement),
  });
  return complete;
}

type Confirmed = Confirming & { readonly rows: Rows };

/** Transaction 1 (PROTOCOL §8): what was true at the offer is looked at again. */
async function store(deps: BindingDeps, transaction: Transaction, confirmed: Confirmed): Promise<boolean> {
  const { who, state, rows, confirmationHash } = confirmed;
  const { statement } = rows.signed;
  const once = { confirmationHash, sealed: rows.sealedState };
  if (!(await markConfirmed(transaction, state.offer.enrolment_id, once))) return false;
  await assertStillNext(transaction, rows.signed);
  // none of these needs the answer to another
  await Promise.all([
    insertPersonKeys(transaction, {
      sub: who.sub,
      address: statement.address,
      key_version: statement.key_version,
      keys: statement.keys,
      share: rows.sealedShare,
      vault: rows.vault,
      escrow: rows.sealedEscrow,
      escrow_key: escrowKeyOf(statement, confirmed.confirmation.escrow),
    }),
    setKeyVersion(transaction, who.sub, statement.key_version),
    insertStatement(transaction, rows.signed),
    insertDevice(transaction, {
      device_id: who.deviceId,
      sub: who.sub,
      label: state.request.device_label,
      keys: [state.request.device_key, state.request.device_sig],
      endorsement: rows.endorsement,
      key_version: statement.key_version,
      transform_key: rows.sealedTransformKey,
      added: seconds(deps.clock),
    }),
    noteDeviceSignIn(transaction, who.sub, signInStrength(who.signIn)),
    deps.keyLog.stage(transaction, {
      kind: 'address',
      name: statement.address,
      version: statement.version,
      value: statementBytes(statement),
    }),
    appendEvents(deps, transaction, confirmed),
  ]);
  return true;
}

async function assertStillNext(transaction: Transaction, { statement }: SignedStatement): Promise<void> {
  const [person, keys, { latest, last }, held] = await Promise.all([
    requireActivePerson(transaction, statement.sub),
    findPersonKeys(transaction, statement.sub),
    newestOf(transaction, statement.address),
    findAddress(transaction, statement.address),
  ]);
  if (keys !== undefined || latest?.statement.status === 'active') {
    throw new CountersignError('already_enrolled');
  }
  const isNext =
    held?.sub === statement.sub &&
    (last?.hash ?? null) === statement.prev &&
    (person.key_version === null ? 0 : person.key_version + 1) === statement.key_version;
  if (!isNext) throw new CountersignError('conflict');
}

async function appendEvents(
  { events }: BindingDeps,
  transaction: Transaction,
  { who, state, rows, context }: Confirmed,
): Promise<void> {
  const { address, version, key_version } = rows.signed.statement;
  const common = {
    actor: context.actor,
    subject: { sub: who.sub, address, device: who.deviceId },
    outcome: 'success',
    requestId: context.requestId,
  } as const;
  await Promise.all([
    events.append(transaction, {
      ...common,
      type: 'enrolment.confirmed',
      data: { enrolment_id: state.offer.enrolment_id, version, key_version },
    }),
    events.append(transaction, {
      ...common,
      type: 'device.added',
      data: { label: state.request.device_label, method: 'enrolment' },
    }),
  ]);
}

/** Nobody is served the grant before it is published: the enrolled person neither. */
async function result(
  deps: BindingDeps & { credentials: Credentials },
  who: Holder,
  stored: StoredEnrolment,
  { offer }: EnrolmentState,
): Promise<EnrolmentResult> {
  const { address, version } = offer.statement;
  await deps.keyLog.published('address', address, version);
  const [answer, deviceBinding] = await Promise.all([
    deps.credentials.forAddress(address),
    deps.credentials.deviceBinding(who.deviceId),
    announce(deps, stored, offer.statement),
  ]);
  if (answer.status !== 'credential' || answer.sub !== who.sub || deviceBinding === null) {
    throw new CountersignError('conflict', 'The enrolment was revoked meanwhile.');
  }
  return { credential: answer.credential, device_binding: deviceBinding };
}
