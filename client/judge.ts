import {
  type Credential,
  type Revocation,
  type VerificationContext,
  type VerifiedCredential,
  verifyCredential,
  verifyRevocation,
} from '../protocol/credential.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { decodeClaims } from '../protocol/jws.ts';
import { keyBindingSchema } from '../protocol/key-binding.ts';
import { type KeyStatement, statementHash } from '../protocol/key-statement.ts';
import type { VerifiedLog } from '../protocol/keytrans/log-proof.ts';
import { thumbprint } from '../protocol/public-key.ts';
import type { ChangedKeyAnswer, RevokedAnswer, Shortfall, VerifiedAnswer } from './answers.ts';
import type { ClientContext } from './context.ts';
import { seeCheckpoint } from './log-pins.ts';
import type { PinDraft } from './pin-draft.ts';
import type { AddressPin, IssuerPin, RevokedPin } from './pin-store.ts';

/** A credential for `address`, in its one form, as anybody may have sent it. */
export interface Shown {
  readonly address: string;
  readonly credential: Credential;
  readonly issuer: IssuerPin;
  /** Whom the attributes must be addressed to; without it they are ignored. */
  readonly audience: string | null;
  /** When the answer was made that it came with, seconds; null where it is somebody's own, of whatever time. */
  readonly asOf: number | null;
}

export interface Judged {
  readonly answer: VerifiedAnswer | ChangedKeyAnswer;
  readonly verified: VerifiedCredential;
}

/**
 * Verifies a credential under its issuer's pinned record and holds it against the pin of its address, which it makes
 * or renews (PROTOCOL §3: pins cover iss, sub, pre). Throws what does not verify, and `statement_forked`.
 */
export async function judgeCredential(
  context: ClientContext,
  draft: PinDraft,
  shown: Shown,
): Promise<Judged> {
  refuseOtherAddress(shown);
  const pin = draft.address(shown.address);
  const revoked = revokedBy(draft, shown);
  const { verified, begunAnew } = await verifyShown(context, shown, pin, revoked);
  const { credential, issuer } = shown;
  const asOf = shown.asOf ?? verified.binding.iat;
  const shortOf = await judgeStaple(context, draft, { credential, issuer, log: verified.log, asOf });
  if (revoked !== undefined) assertContinues(revoked, verified.statement);
  draft.sawOnlineKeys(issuer.entity_id, verified.onlineKeys);
  const offered = pinOf(verified, context.now());
  if (pin !== undefined && (begunAnew || !isSameKey(pin, offered))) {
    return { verified, answer: { status: 'changed_key', address: shown.address, pinned: pin, offered } };
  }
  if (pin !== undefined) assertContinues(pin, verified.statement);
  draft.setAddress(shown.address, pin === undefined ? offered : continued(pin, offered));
  const { level, age, statement, attributes } = verified;
  const firstSeen = pin === undefined;
  return {
    verified,
    answer: {
      ...{ status: 'verified', address: shown.address, level, age, shortOf },
      ...{ statement, attributes, firstSeen },
    },
  };
}

/** A credential's log proof, where its issuer is known to keep a log, or has one. Throws `level_too_low` without. */
export async function judgeStaple(
  context: ClientContext,
  draft: PinDraft,
  shown: Pick<Shown, 'credential' | 'issuer'> & { readonly log: VerifiedLog | null; readonly asOf: number },
): Promise<Shortfall | null> {
  const { credential, issuer, log, asOf } = shown;
  if (log === null && draft.log(issuer.entity_id) !== undefined) {
    // Whoever keeps a log could leave its proof out for the one key that is not in it.
    throw new CountersignError('level_too_low', 'the issuer keeps a log, and proves nothing from it');
  }
  return judgeLog(context, draft, { ...credential, issuer, log, asOf });
}

/** Before the pin of this address is held against it: somebody else's keys would look like keys that changed. */
function refuseOtherAddress({ address, credential }: Shown): void {
  const { statement } = decodeClaims(credential.binding, 'key-binding+jwt', keyBindingSchema);
  if (statement.address !== address) {
    throw new CountersignError('claims_invalid', 'the credential is for another address');
  }
}

interface ShownVerified {
  readonly verified: VerifiedCredential;
  /** The bridge alone put another `sig` in the place of the pinned one, and says so. */
  readonly begunAnew: boolean;
}

async function verifyShown(
  context: ClientContext,
  shown: Shown,
  pin: AddressPin | undefined,
  revoked: RevokedPin | undefined,
): Promise<ShownVerified> {
  const base: VerificationContext = {
    issuer: shown.issuer,
    policy: context.policy,
    now: context.now(),
    leastSerial: shown.issuer.serial,
    ...(shown.audience === null ? {} : { audience: shown.audience }),
  };
  const verify = (more: Partial<VerificationContext>) =>
    verifyCredential(shown.credential, shown.address, { ...base, ...more });
  // Versions count per issuer: an address that moved to another bridge is a changed key.
  if (pin === undefined || pin.iss !== shown.issuer.entity_id) {
    const least = revoked === undefined ? {} : { leastVersion: revoked.version };
    return { verified: await verify(least), begunAnew: false };
  }
  const leastVersion = pin.version;
  try {
    return { verified: await verify({ leastVersion, previous: pin.sig }), begunAnew: false };
  } catch (error) {
    const replaced = isCountersignError(error, 'statement_signature') && isBegunBetween(shown, pin);
    if (!replaced && !isCountersignError(error, 'pin_changed')) throw error;
    return { verified: await verify({ leastVersion }), begunAnew: true };
  }
}

/** Other keys after versions that were not seen: they were begun anew in between, and have been rotated since. */
function isBegunBetween({ credential }: Shown, pin: AddressPin): boolean {
  const { statement } = decodeClaims(credential.binding, 'key-binding+jwt', keyBindingSchema);
  return statement.version > pin.version + 1 && thumbprint(statement.keys[0]) !== thumbprint(pin.pre);
}

/** Verifies the evidence of a revocation, and lets the pin know. Throws as `judgeCredential` does. */
export async function judgeRevocation(
  context: ClientContext,
  draft: PinDraft,
  shown: { address: string; revocation: Revocation; issuer: IssuerPin; asOf: number },
): Promise<RevokedAnswer> {
  const { address, revocation, issuer, asOf } = shown;
  const pin = draft.address(address);
  const known = pin?.iss === issuer.entity_id ? pin : undefined;
  const least = known ?? revokedBy(draft, shown);
  const { statement, level, onlineKeys, log } = await verifyRevocation(revocation, address, {
    issuer,
    policy: context.policy,
    now: context.now(),
    leastSerial: issuer.serial,
    ...(least === undefined ? {} : { leastVersion: least.version }),
  });
  const shortOf = await judgeLog(context, draft, { ...revocation, issuer, log, asOf });
  if (least !== undefined) assertContinues(least, statement);
  draft.sawOnlineKeys(issuer.entity_id, onlineKeys);
  const { iss, version } = statement;
  const latest = { version, statement_hash: statementHash(statement) };
  if (known !== undefined) draft.setAddress(address, { ...known, ...latest, status: 'revoked' });
  else draft.setRevoked(address, { iss, ...latest });
  const age = Math.max(0, context.now() - (log?.asOf ?? statement.since));
  return { status: 'revoked', address, level, age, shortOf, statement };
}

/** The log proof, verified, that came with an answer: its checkpoint is held against the pinned ones. */
async function judgeLog(
  context: ClientContext,
  draft: PinDraft,
  shown: {
    readonly log: VerifiedLog | null;
    readonly log_proof?: string | undefined;
    readonly online_keys: string;
    readonly issuer: IssuerPin;
    readonly asOf: number;
  },
): Promise<Shortfall | null> {
  const { log, log_proof: staple, online_keys: onlineKeys, issuer, asOf } = shown;
  if (log === null || staple === undefined) return 'no_log_proof';
  // Loaded together with what verified the proof.
  const { checkpointOf, shortfallOf } = await import('./level-shortfall.ts');
  const pin = checkpointOf(staple, log);
  await seeCheckpoint(context, draft, { issuer, onlineKeys, pin }, asOf);
  return shortfallOf(log, pin.note, context.policy.log);
}

/** What this issuer revoked at an address of which it showed no key: versions count per issuer. */
function revokedBy(
  draft: PinDraft,
  { address, issuer }: Pick<Shown, 'address' | 'issuer'>,
): RevokedPin | undefined {
  const revoked = draft.revoked(address);
  return revoked?.iss === issuer.entity_id ? revoked : undefined;
}

export function pinOf({ statement, statementHash: hash }: VerifiedCredential, now: number): AddressPin {
  return {
    iss: statement.iss,
    sub: statement.sub,
    pre: statement.keys[0],
    sig: statement.keys[1],
    version: statement.version,
    key_version: statement.key_version,
    statement_hash: hash,
    status: 'active',
    first_seen: now,
  };
}

/** The pin after a change that its owner made: what the keys before it signed was theirs too. */
function continued(pin: AddressPin, offered: AddressPin): AddressPin {
  const { first_seen, earlier } = pin;
  const kept = { ...offered, first_seen, ...(earlier === undefined ? {} : { earlier }) };
  return thumbprint(pin.sig) === thumbprint(offered.sig) ? kept : withEarlier(kept, [thumbprint(pin.sig)]);
}

/** Rotations remembered: as many as two credentials carry. */
const EARLIER_MAX = 32;

/** A pin that knows these keys before its own, too. */
export function withEarlier(pin: AddressPin, sigs: readonly string[]): AddressPin {
  const earlier = [...new Set([...(pin.earlier ?? []), ...sigs])];
  return { ...pin, earlier: earlier.slice(-EARLIER_MAX) };
}

/** `sig` may have been rotated: that its owner did it was verified. */
function isSameKey(pin: AddressPin, offered: AddressPin): boolean {
  const samePerson = pin.iss === offered.iss && pin.sub === offered.sub;
  return samePerson && thumbprint(pin.pre) === thumbprint(offered.pre);
}

/** One version has one statement, and the next one names it. */
function assertContinues(pin: Pick<AddressPin, 'version' | 'statement_hash'>, statement: KeyStatement): void {
  const hash = statementHash(statement);
  const forked =
    (statement.version === pin.version && hash !== pin.statement_hash) ||
    (statement.version === pin.version + 1 && statement.prev !== pin.statement_hash);
  if (forked) {
    throw new CountersignError('statement_forked', `version ${statement.version} does not continue the pin`);
  }
}
