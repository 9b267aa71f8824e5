import type {
  DeviceApproval,
  DeviceRequest,
  DeviceRequestBody,
  EnrolmentConfirmation,
  EnrolmentOffer,
  EnrolmentRequest,
  EnrolmentResult,
  Me,
} from '../../protocol/api.ts';
import type { Credential, Revocation } from '../../protocol/credential.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import type { EventLog } from '../events/event-log.ts';
import type { KeyLog } from '../keylog/key-log.ts';
import type { LostNames } from '../keylog/lost-names.ts';
import type { Clock } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Policy } from '../policy/policy.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import type { Transforms } from '../transforms/transforms.ts';
import type { Holder } from './holder.ts';
import type { AskingParty } from './permission.ts';

/** What the services of this context are built from. */
export interface BindingDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly events: EventLog;
  readonly keyLog: KeyLog;
  /** Without it the log has no versions of names that the store has never heard of. */
  readonly lostNames?: LostNames;
  readonly clock: Clock;
  readonly engine: TransformEngine;
  readonly transforms: Transforms;
  readonly policy: Policy;
  /** The name that people and partners see. */
  readonly organization: string;
}

/** Enrolment in two steps (PROTOCOL §2). Limit of this version: one address of a person is enrolled at a time. */
export interface Enrolments {
  /**
   * Step 1: the bridge's share, proven, and the complete unsigned statement. The same request id answers the same
   * offer. Throws `forbidden`, `dpop_invalid`, `key_invalid`, `recrypt_input_invalid`, `no_address`,
   * `address_invalid`, `domain_not_approved`, `already_enrolled`, `person_closed`, `request_id_reused`.
   */
  offer(who: Holder, request: EnrolmentRequest, context: RequestContext): Promise<EnrolmentOffer>;

  /**
   * Step 2: checks every proof, stores, and answers once the statement is published. The same confirmation again
   * answers the credential as it is then. Throws `enrolment_unknown`, `enrolment_expired`, `enrolment_proof`,
   * `statement_signature`, `endorsement_mismatch`, `transform_key_mismatch`, `recrypt_input_invalid`, `replayed`
   * (confirmed with another body), `already_enrolled`, `conflict`, and `unavailable` when it is stored but not yet published: repeat it then.
   */
  confirm(
    who: Holder,
    enrolmentId: string,
    confirmation: EnrolmentConfirmation,
    context: RequestContext,
  ): Promise<EnrolmentResult>;

  /** Forgets what was not confirmed in time, leaving an event each; answers how many. For a background loop. */
  expire(): Promise<number>;
}

/** Who asks for credentials: whom policy decides about, and the audience that attributes are addressed to. */
export interface Asker extends AskingParty {
  /** Entity id of the asking bridge, or device id of the asking client. */
  readonly audience: string;
}

/** What our bridge says of an address of its own (PROTOCOL §5, §8). */
export type OwnAnswer =
  | { readonly status: 'credential'; readonly sub: string; readonly credential: Credential }
  | { readonly status: 'revoked'; readonly revocation: Revocation }
  | { readonly status: 'revoked_pending' }
  | { readonly status: 'not_found' };

export interface Credentials {
  /**
   * `address` in its one form. With `asker`, whom policy hides from them is `not_found`, as if there were nobody, and
   * attributes are stapled where policy tells them anything.
   */
  forAddress(address: string, asker?: Asker): Promise<OwnAnswer>;

  /** The same for many at once; every address asked for is a key of the answer. */
  forAddresses(addresses: readonly string[], asker?: Asker): Promise<ReadonlyMap<string, OwnAnswer>>;

  /** Those of the addresses that policy does not hide from the asker, whoever stands behind them. */
  findable(addresses: readonly string[], asker: AskingParty): Promise<ReadonlySet<string>>;

  /** `identity-attributes+jwt` for this audience, or null where policy tells them nothing. */
  attributes(sub: string, asker: Asker): Promise<string | null>;

  /** `device-binding+jwt` of an endorsed device, or null for what is none (any more, or not yet published). */
  deviceBinding(deviceId: string): Promise<string | null>;
}

/** Adding a device by approval (PROTOCOL §9). The bridge relays; what is compared, people and devices compare. */
export interface DeviceAdditions {
  /** The new device asks. Throws `forbidden`, `device_limit`, `dpop_invalid`, `conflict`, `request_id_reused`. */
  request(who: Holder, body: DeviceRequestBody, context: RequestContext): Promise<DeviceRequest>;

  /** Pending ones: all of the person for an endorsed device, its own for another. */
  list(who: Holder): Promise<DeviceRequest[]>;

  /** For the device that asks and for endorsed devices of the same person; `device_request_unknown` to all others. */
  find(who: Holder, id: string): Promise<DeviceRequest>;

  /** The approver's nonce, once, before the reveal. Throws `device_request_state`, `device_request_expired`. */
  challenge(who: Holder, id: string, nonce: string): Promise<DeviceRequest>;

  /** The new device's nonce, once, after the challenge. Throws also `device_commitment`. */
  reveal(who: Holder, id: string, nonce: string): Promise<DeviceRequest>;

  /**
   * Adds the device. Throws also `endorsement_mismatch`, `transform_key_mismatch`, `recrypt_input_invalid`,
   * `device_limit`, `conflict`.
   */
  approve(who: Holder, id: string, approval: DeviceApproval, context: RequestContext): Promise<DeviceRequest>;

  /** By an endorsed device, or by the device that asked. */
  refuse(who: Holder, id: string, context: RequestContext): Promise<DeviceRequest>;

  /** Ends requests that nobody answered in time, leaving an event each; answers how many. For a background loop. */
  expire(): Promise<number>;
}

export interface Vaults {
  /**
   * The person's vault, transformed for the asking device, as base64url. Nothing is released if person or device
   * were restricted meanwhile (PROTOCOL §8). Throws `forbidden`, `device_not_endorsed`, `person_closed`, `conflict`,
   * `overloaded`.
   */
  open(who: Holder, context: RequestContext): Promise<{ vault: string; statement: KeyStatement }>;
}

export interface Profiles {
  /** What stands there about the holder of a token, enrolled or not. */
  describe(who: Holder): Promise<Me>;
}
