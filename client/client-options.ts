import type { VerificationPolicy } from '../protocol/credential.ts';
import type { TransformEngine } from '../recrypt/transform-engine.ts';
import type { KeyStore } from './key-store.ts';
import type { PinStore } from './pin-store.ts';
import type { ConfirmDevices } from './rotation-answers.ts';

export interface ClientOptions {
  /** Entity id of the own company's bridge: an https origin. */
  readonly issuer: string;
  /** How this app is registered at the bridge. */
  readonly clientId: string;
  readonly keyStore: KeyStore;
  readonly pinStore: PinStore;
  /** `loadTransformEngine()`. */
  readonly engine: TransformEngine;
  readonly fetch?: typeof fetch;
  /** Milliseconds since the epoch; the machine's clock if absent. */
  readonly clock?: { now(): number };
  /** Thumbprint of the own bridge's root, as the company hands it out. Without it the first one seen is believed. */
  readonly ownRoot?: string;
  /** What a credential must reach, whoever presents it: `signed` and at most 24 hours old if absent. */
  readonly policy?: VerificationPolicy;
  /** How often a wait asks the bridge: the first pause and the longest, milliseconds. */
  readonly polling?: { readonly firstMs: number; readonly longestMs: number };
  /** Asked when the person's keys are rotated by themselves: without it that waits until `rotateKeys` is called. */
  readonly confirmDevices?: ConfirmDevices;
}
