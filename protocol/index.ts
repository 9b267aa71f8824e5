/**
 * The protocol: formats, and their verification, in pure TypeScript for Node and browsers.
 * Nothing here does I/O; `docs/spec/protocol.md` says what each rule stops.
 */
export * from './address.ts';
export * from './api.ts';
export * from './base64url.ts';
export * from './bytes.ts';
export * from './canonical-json.ts';
export { type Assurance, assurance } from './claims.ts';
export * from './credential.ts';
export * from './device.ts';
export * from './device-comparison.ts';
export * from './dpop.ts';
export * from './ed25519.ts';
export * from './entity-configuration.ts';
export * from './errors.ts';
export * from './hash.ts';
export * from './identity-attributes.ts';
export * from './issued.ts';
export * from './jws.ts';
export * from './key-binding.ts';
export * from './key-statement.ts';
export * from './look-up.ts';
export * from './online-keys.ts';
export * from './partner-record.ts';
export * from './presence.ts';
export * from './public-key.ts';
export * from './tlog/checkpoint.ts';
export * from './tlog/cosignature.ts';
export * from './tlog/log-policy.ts';
export * from './tlog/merkle.ts';
export * from './tlog/merkle-proof.ts';
export * from './tlog/proof-format.ts';
export * from './tlog/signed-note.ts';
export * from './tlog/tile.ts';
export * from './tlog/verifier-key.ts';
export * from './tlog/verify-note.ts';
export * from './tlog/witness-protocol.ts';
export * from './transcript.ts';
export * from './vault.ts';
