/**
 * The client for Node: sign in, enrol, look up, verify, pin. `client/browser.ts` is the entry for browsers; they differ
 * in how the engine loads, and in what needs files or a local port.
 */

export type { VerificationPolicy } from '../protocol/credential.ts';
export { fingerprintInGroups } from '../protocol/device-comparison.ts';
export { generateSigningKey, importSigningKey, type SigningKey } from '../protocol/ed25519.ts';
export { CountersignError, type ErrorCode, isCountersignError } from '../protocol/errors.ts';
export type { LogTrust } from '../protocol/keytrans/log-trust.ts';
export { type SplitView, verifySplitView } from '../protocol/tlog/split-view.ts';
export { loadTransformEngine } from '../recrypt/load-node.ts';
export * from './answers.ts';
export * from './assets/assets.ts';
export * from './client.ts';
export * from './client-options.ts';
export { createClient } from './create-client.ts';
export * from './groups/groups.ts';
export * from './key-store.ts';
export * from './meetings/meeting.ts';
export * from './memory-stores.ts';
export { createFileKeyStore } from './node-file-key-store.ts';
export { createFilePinStore } from './node-file-pin-store.ts';
export { signInWithLoopback } from './node-loopback.ts';
export * from './own-key-answers.ts';
export * from './pin-store.ts';
export { logTrustOf } from './policy-text.ts';
export { qrCodeSvg, qrCodeText } from './qr-code.ts';
export * from './rotation-answers.ts';
export { SplitViewError } from './split-view-error.ts';
