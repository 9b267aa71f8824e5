/** The client for browsers: everything but files and the loopback sign-in. */

export type { VerificationPolicy } from '../protocol/credential.ts';
export { fingerprintInGroups } from '../protocol/device-comparison.ts';
export { CountersignError, type ErrorCode, isCountersignError } from '../protocol/errors.ts';
export type { LogTrust } from '../protocol/keytrans/log-trust.ts';
export type { SplitView } from '../protocol/tlog/split-view.ts';
export { loadTransformEngine } from '../recrypt/load-browser.ts';
export * from './answers.ts';
export * from './assets/assets.ts';
export {
  type BrowserSignIn,
  finishSignIn,
  type PopupSignIn,
  signInByPopup,
  signInByRedirect,
} from './browser-sign-in.ts';
export * from './client.ts';
export * from './client-options.ts';
export { createClient } from './create-client.ts';
export * from './groups/groups.ts';
export { createIndexedDbKeyStore } from './indexeddb-key-store.ts';
export { createIndexedDbPinStore } from './indexeddb-pin-store.ts';
export * from './key-store.ts';
export * from './meetings/meeting.ts';
export * from './memory-stores.ts';
export * from './own-key-answers.ts';
export * from './pin-store.ts';
export * from './rotation-answers.ts';
export { SplitViewError } from './split-view-error.ts';
