import { encodeBase64url } from '../../../protocol/base64url.ts';
import { utf8 } from '../../../protocol/bytes.ts';
import { type LogClaim, verifyLogStaple } from '../../../protocol/keytrans/log-proof.ts';
import type { LogTrust } from '../../../protocol/keytrans/log-trust.ts';
import type { OnlineKey } from '../../../protocol/online-keys.ts';
import type { NoteSigner } from '../../../protocol/tlog/checkpoint.ts';
import { codeOf } from '../codes.ts';
import { noteSigner, SmallKeyLog } from './small-key-log.ts';

/** The key log of a made-up company, and what somebody who verifies its proofs has pinned. */

export const NOW = 1_800_000_000;
export const HOUR = 3600;
export const ORIGIN = 'bridge.acme.example/log';
export const ALICE = 'alice@acme.example';

export const logKey = noteSigner(ORIGIN);

export function onlineKey({ publicKey }: NoteSigner, changes: Partial<OnlineKey> = {}): OnlineKey {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) } as const;
  return { jwk, purpose: 'log', nbf: NOW - 30 * 24 * HOUR, exp: NOW + HOUR, ...changes };
}

export const statementOf = (version: number) => utf8(`statement ${version}`);

/** A log with versions 0 to `greatest` of Alice and one of Bob, an epoch for each. */
export function logWith(greatest: number): SmallKeyLog {
  const log = new SmallKeyLog(ORIGIN);
  log.add('bob@acme.example', 0, statementOf(0));
  for (let version = 0; version <= greatest; version++) {
    log.add(ALICE, version, statementOf(version));
    log.closeEpoch(NOW - 60 - (greatest - version));
  }
  return log;
}

export const NO_TRUST: LogTrust = { witnesses: [], witnessQuorum: 0, auditors: [], auditorQuorum: 0 };
export function claimOf(staple: string, version: number, changes: Partial<LogClaim> = {}): LogClaim {
  return {
    ...{ staple, kind: 'address', name: ALICE, version, value: statementOf(version), origin: ORIGIN },
    ...{ logKeys: [onlineKey(logKey)], trust: NO_TRUST, now: NOW },
    ...changes,
  };
}

export const refused = (staple: string, version = 2, changes: Partial<LogClaim> = {}) =>
  codeOf(() => verifyLogStaple(claimOf(staple, version, changes)));
