import type { DeviceSummary } from '../protocol/api.ts';
import type { Assurance } from '../protocol/claims.ts';
import type { Credential, VerifiedCredential } from '../protocol/credential.ts';
import type { DeviceEndorsement } from '../protocol/device.ts';
import type { SigningKey } from '../protocol/ed25519.ts';
import type { PolicyBundle } from '../protocol/policy-bundle.ts';
import type { Presence } from '../protocol/presence.ts';
import type { SplitView } from '../protocol/tlog/split-view.ts';
import type { Answer, ChangedKeyAnswer, VerifiedAnswer } from './answers.ts';
import type { Assets } from './assets/assets.ts';
import type { Groups, TendOptions } from './groups/groups.ts';
import type { Meetings } from './meetings/meeting.ts';
import type {
  CheckOptions,
  KeyFinding,
  LogCheck,
  MonitorOptions,
  OwnKeyHistory,
  TrustCheck,
} from './own-key-answers.ts';
import type { DeviceApproved, OrganizationEscrow, RotationDue, RotationOptions } from './rotation-answers.ts';

/** A sign-in under way: keep it (it can be written as JSON) until the browser comes back. */
export interface PendingSignIn {
  readonly state: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
}

/** What a screen shows for the device grant. */
export interface DeviceCodeShown {
  /** To be typed at `verificationUri`. */
  readonly userCode: string;
  readonly verificationUri: string;
  /** With the code in it: for a QR code. */
  readonly verificationUriComplete: string;
  /** Seconds. */
  readonly expires: number;
}

/** Who is signed in, and what stands at the bridge for them; all that is signed was verified. */
export interface OwnAccount {
  readonly iss: string;
  readonly sub: string;
  readonly deviceId: string;
  readonly organization: string;
  readonly name: string | null;
  /** The primary one first. */
  readonly addresses: readonly string[];
  readonly assurance: Assurance;
  /** Null until enrolled, or after a revocation. */
  readonly credential: Credential | null;
  readonly verified: VerifiedCredential | null;
  /** Null while this device is not (or no longer) one of the person's. */
  readonly deviceBinding: string | null;
  readonly devices: readonly DeviceSummary[];
  /** Why the keys are to be rotated, as the bridge says; null where they are not. */
  readonly rotationDue: RotationDue | null;
  /** `recovery-key+jwt`, where the organization offers to recover keys: as the bridge says it, to be verified where it is used. */
  readonly recoveryKey: string | null;
}

export interface Enrolment {
  readonly credential: Credential;
  readonly deviceBinding: string;
  readonly verified: VerifiedCredential;
  readonly device: DeviceEndorsement;
}

/** Keys that can be recovered by a passphrase, which the client makes: eight words. */
export interface PassphraseEscrow {
  /**
   * Shows it to the person, once, and settles when they have written it down; what it throws ends the enrolment. Nobody can
   * tell it them again.
   */
  showPassphrase(passphrase: string): unknown;
}

interface WaitOptions {
  readonly signal?: AbortSignal;
}

/** This device's request to be added to its person. */
export interface DeviceAddition {
  readonly id: string;
  readonly method: 'fingerprint' | 'code';
  /** To be shown as QR code or text (`fingerprintInGroups`); the approver computes its own. */
  readonly fingerprint: string;
  /** Only for `code`: waits for the approver, reveals, and answers the six digits to show. */
  showCode(options?: WaitOptions): Promise<string>;
  /** Waits for the approval and verifies what came of it. Throws `forbidden` when refused, `device_request_expired`. */
  waitForApproval(options?: WaitOptions): Promise<Enrolment>;
}

/** This device's request for the person's keys, which two administrators must approve. */
export interface OrganizationRecovery {
  readonly id: string;
  /** To be read to both administrators (`fingerprintInGroups`), not sent through the bridge. */
  readonly fingerprint: string;
  /** Seconds. */
  readonly expires: number;
  /**
   * Waits for both, opens the keys, and adds this device. Throws `recovery_refused`, `recovery_expired`, and
   * `vault_mismatch` or `recrypt_decrypt_failed` for what is not the person's.
   */
  waitForRelease(options?: WaitOptions): Promise<Enrolment>;
}

/** A device that asks to be added, as the bridge tells it: compare before approving. */
export interface PendingDevice {
  readonly id: string;
  readonly label: string;
  readonly method: 'fingerprint' | 'code';
  /** Seconds. */
  readonly expires: number;
}

/** How a person compared the new device with what this device computed. */
export type DeviceComparison =
  | { readonly fingerprint: string }
  | { readonly confirmCode: (digits: string) => Promise<boolean>; readonly signal?: AbortSignal };

/** What another participant gets and verifies with `verifyPresence`. */
export interface PresenceProof {
  readonly proof: string;
  readonly credential: Credential;
  readonly device_binding: string;
}

export interface PresenceRequest {
  readonly meeting: string;
  readonly epoch: number;
  /** The host's, for this epoch. */
  readonly challenge: string;
  readonly aud: string;
  readonly mediaKey: string;
}

export interface OwnPresence extends PresenceProof {
  /** X25519, not extractable, of the proof's `ephemeral`. */
  readonly ephemeralPrivateKey: CryptoKey;
}

export interface VerifiedPresence {
  readonly person: VerifiedAnswer;
  readonly device: DeviceEndorsement;
  readonly presence: Presence;
}

/** Somebody of the own company whose keys changed: look the address up again. It proves nothing by itself. */
export interface WatchedAddress {
  readonly address: string;
  readonly reason: 'published' | 'revoked';
}

/** What bridges decide by, as they publish it; verified by signature and hash. */
export interface Policies {
  /**
   * The policy of a bridge, the own one if no `iss` is given, or a partner whose record is pinned; the one in force, or that
   * of a hash. Throws `policy_unknown`, `issuer_unknown`, `policy_bundle_invalid`, and what does not verify.
   */
  bundle(which?: { iss?: string; hash?: string }): Promise<PolicyBundle>;
  /** The policy under which the binding of this credential was made. Throws also what the binding does not verify by. */
  of(credential: Credential): Promise<PolicyBundle>;
}

/** The SDK: one signed-in person on one device, at one bridge. Every method throws `CountersignError` only. */
export interface Client {
  beginSignIn(options: { redirectUri: string; loginHint?: string }): Promise<{
    url: string;
    pending: PendingSignIn;
  }>;
  /** `callbackUrl` is the whole URL that the browser came back to. */
  completeSignIn(callbackUrl: string, pending: PendingSignIn): Promise<void>;
  /**
   * For a room system without a keyboard: `onCode` shows the code (and the URL as a QR code), somebody signs the room in
   * with it elsewhere. The app must be registered as a room app. Throws `sign_in_refused` when they refuse, or nobody came.
   */
  signInWithDeviceCode(options: {
    onCode: (code: DeviceCodeShown) => unknown;
    signal?: AbortSignal;
  }): Promise<void>;
  /**
   * For a gateway, recorder or bot that is registered at the bridge, with the key that it registered. There is no refresh:
   * on `sign_in_required`, call it again. Throws `sign_in_refused`.
   */
  signInWithKey(key: SigningKey): Promise<void>;
  signedIn(): Promise<boolean>;
  /** Ends the session. The device's keys stay unless `forgetDevice`: then the next sign-in is a new device. */
  signOut(options?: { forgetDevice?: boolean }): Promise<void>;

  me(): Promise<OwnAccount>;
  /**
   * Without `escrow`, who loses all devices is reset by an administrator and gets new keys. With it, everybody sees that the
   * keys rest under a passphrase, too, or that the organization can recover them. Throws `escrow_required` where it wants
   * that, `escrow_unsupported` where it does not offer it, `recovery_key_changed`.
   */
  enrol(options: {
    label: string;
    address?: string;
    escrow?: PassphraseEscrow | OrganizationEscrow;
  }): Promise<Enrolment>;
  /**
   * Makes this device one of the person's with the passphrase of their escrow. Throws `passphrase_invalid` for a slip,
   * `passphrase_wrong`, `escrow_none`, `rate_limited`, `device_limit`.
   */
  recoverDevice(options: { label: string; passphrase: string }): Promise<Enrolment>;

  /** Asks two administrators for the person's keys. Throws `escrow_none` where they cannot give them, `device_limit`. */
  requestRecovery(options: { label: string }): Promise<OrganizationRecovery>;

  requestDevice(options: { label: string; method: 'fingerprint' | 'code' }): Promise<DeviceAddition>;
  listDeviceRequests(): Promise<PendingDevice[]>;
  /**
   * Throws `device_comparison` when what the person compared differs. Where a rotation is due and `confirmDevices` is
   * there, the keys are rotated first. Without it they are not, and the answer's `rotationDue` says why they are to be.
   */
  approveDevice(id: string, comparison: DeviceComparison, options?: RotationOptions): Promise<DeviceApproved>;
  refuseDevice(id: string): Promise<void>;
  removeDevice(deviceId: string): Promise<void>;

  /**
   * New private keys behind the person's same public key: peers notice nothing, and who has the old ones can do nothing with
   * them. Throws `rotation_unconfirmed` without the person's word on their devices. Done anew after an error, it goes on
   * from whatever state the bridge has.
   */
  rotateKeys(options?: RotationOptions): Promise<Enrolment>;
  /** Rotates the keys if the bridge says that it is due; answers whether it did. */
  rotateIfDue(options?: RotationOptions): Promise<boolean>;
  /**
   * Keeps keys as young as policy says, at once and then once a day until `signal` ends it: the person's own, where there is
   * somebody to confirm their devices, and those of the groups that they administer. What fails is told to `onTended`.
   */
  tendKeys(options: TendOptions): Promise<void>;
  /** A new encryption key for this device: a copy of the old one reads nothing that is transformed from then on. */
  rotateDevice(): Promise<void>;

  /** One answer for each address, in the order asked. `maxAge`: seconds that a cached answer may be old. */
  lookUp(addresses: readonly string[], options?: { maxAge?: number }): Promise<Answer[]>;
  /**
   * Tells, as it happens, which of these addresses (up to 1,000) to look up again: those of the own company; partners'
   * say nothing yet. It takes up broken connections by itself and ends when the signal is aborted.
   */
  watch(
    addresses: readonly string[],
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<WatchedAddress, void>;
  /**
   * Every version of the person's own address: when, why, by whom, and whether they made its keys; with what was made for
   * their other addresses (`others`), unless one is named. All of it is verified; throws `key_history`, `statement_forked`,
   * `log_proof`, `checkpoint_rollback` and the like where it does not hold.
   */
  keyHistory(options?: { address?: string }): Promise<OwnKeyHistory>;
  /**
   * Watches over the person's own keys until the signal is aborted: tells the application of each finding once, and reports
   * it to the bridge for the company's security people.
   */
  monitorOwnKeys(options: MonitorOptions): Promise<void>;
  /** Looks once, as the monitor does, and reports what it finds only where `onFinding` is told of it. Empty if all is well. */
  checkOwnKeys(options?: CheckOptions): Promise<readonly KeyFinding[]>;
  /**
   * Proves from the log's tiles that its newest checkpoint continues all that this client has seen of it. The own
   * bridge's log, or that of a partner whose record is pinned. Throws `SplitViewError`.
   */
  checkLog(issuer?: string): Promise<LogCheck>;
  /**
   * Reads at an issuer itself, under its pinned root, what its key log has of its company (domains and policy), and holds
   * what this device was told against it. Throws `root_mismatch`, `log_proof` and the like where it does not hold.
   */
  checkTrust(issuer?: string): Promise<TrustCheck>;
  /** Evidence that a log was split, by the entity id of its bridge: kept once it was found. */
  splitViews(): Promise<Readonly<Record<string, SplitView>>>;

  /** The person compared the keys: from now on the offered one is pinned. Throws `conflict` if the pin is another by now. */
  acceptChangedKey(change: ChangedKeyAnswer): Promise<void>;
  /** A partner has a new root, which a person compared by its fingerprint: the next look-up pins it. */
  acceptChangedRoot(entityId: string, rootThumbprint: string): Promise<void>;
  /** With what is pinned, without asking anybody. Throws what does not verify, `pin_changed` for another key than pinned. */
  verifyOffline(credential: Credential, address: string): Promise<VerifiedAnswer>;

  /** Which rules a bridge decides by: signed bundles, whose hash bindings and decisions name. */
  readonly policy: Policies;

  createPresence(request: PresenceRequest): Promise<OwnPresence>;
  verifyPresence(
    shown: PresenceProof,
    expected: { address: string; aud: string; meeting: string; epoch: number; challenge: string },
  ): Promise<VerifiedPresence>;

  /** Groups, and keys that are sealed to them. */
  readonly groups: Groups;
  /** Files for groups and people. */
  readonly assets: Assets;
  /** Meetings with keys that follow who is in them. */
  readonly meetings: Meetings;
}
