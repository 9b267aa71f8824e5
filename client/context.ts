import type { VerificationPolicy } from '../protocol/credential.ts';
import type { SigningKey } from '../protocol/ed25519.ts';
import { CountersignError } from '../protocol/errors.ts';
import type { EncryptionKey } from '../protocol/public-key.ts';
import { preToJwk } from '../recrypt/encoding.ts';
import type { PrePrivateKey, TransformEngine } from '../recrypt/transform-engine.ts';
import type { ClientOptions } from './client-options.ts';
import type { DeviceSecrets, KeyStore } from './key-store.ts';
import { emptyPins, type PinChange, type PinStore, type Pins } from './pin-store.ts';
import type { ConfirmDevices } from './rotation-answers.ts';

/** What every part of a client works with: the options, with what was left out filled in. */
export interface ClientContext {
  readonly issuer: string;
  readonly clientId: string;
  readonly engine: TransformEngine;
  readonly keyStore: KeyStore;
  readonly pins: BridgePins;
  readonly fetch: typeof fetch;
  readonly policy: VerificationPolicy;
  readonly ownRoot: string | null;
  readonly polling: { readonly firstMs: number; readonly longestMs: number };
  readonly confirmDevices: ConfirmDevices | null;
  /** Seconds. */
  now(): number;
}

/** The pins of this client's bridge: never absent, never those of another bridge. */
export interface BridgePins {
  read(): Promise<Pins>;
  update<Result>(change: (pins: Pins) => Promise<PinChange<Result>>): Promise<Result>;
}

/** What a credential must reach where the app says nothing: signed within the day that a binding lives. */
const DEFAULT_POLICY: VerificationPolicy = { level: 'signed', maxAge: 86_400 };
const DEFAULT_POLLING = { firstMs: 1000, longestMs: 5000 };

export function createContext(options: ClientOptions): ClientContext {
  const clock = options.clock ?? { now: () => Date.now() };
  return {
    issuer: options.issuer,
    clientId: options.clientId,
    engine: options.engine,
    keyStore: options.keyStore,
    pins: pinsOf(options.issuer, options.pinStore),
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    policy: options.policy ?? DEFAULT_POLICY,
    ownRoot: options.ownRoot ?? null,
    polling: options.polling ?? DEFAULT_POLLING,
    confirmDevices: options.confirmDevices ?? null,
    now: () => Math.floor(clock.now() / 1000),
  };
}

function pinsOf(issuer: string, store: PinStore): BridgePins {
  const checked = (pins: Pins | null): Pins => {
    if (pins !== null && pins.issuer !== issuer) {
      throw new CountersignError('pin_store_invalid', `these are the pins of a client of ${pins.issuer}`);
    }
    return pins ?? emptyPins(issuer);
  };
  return {
    read: async () => checked(await store.read()),
    update: (change) => store.update((pins) => change(checked(pins))),
  };
}

/** This device's keys, with their public halves. */
export interface Device {
  /** Thumbprint of `sig`. */
  readonly id: string;
  readonly sig: SigningKey;
  readonly pre: PrePrivateKey;
  readonly preJwk: EncryptionKey;
}

export function deviceOf(context: ClientContext, secrets: DeviceSecrets): Device {
  const preJwk = preToJwk(context.engine.computePublicKey(secrets.pre));
  return { id: secrets.sig.kid, sig: secrets.sig, pre: secrets.pre, preJwk };
}
