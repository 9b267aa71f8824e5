/** The client for browsers: everything but files and the loopback sign-in. */

export { fingerprintInGroups } from '../protocol/device-comparison.ts';
export { CountersignError, type ErrorCode, isCountersignError } from '../protocol/errors.ts';
export { loadTransformEngine } from '../recrypt/load-browser.ts';
export * from './answers.ts';
export * from './client.ts';
export * from './client-options.ts';
export { createClient } from './create-client.ts';
export * from './key-store.ts';
export * from './memory-stores.ts';
export * from './pin-store.ts';
