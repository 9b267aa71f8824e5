import {
  entityConfigurationSchema,
  verifyEntityConfiguration,
} from '../../../protocol/entity-configuration.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { decodeClaims, readHeader } from '../../../protocol/jws.ts';
import { logOrigin } from '../../../protocol/tlog/checkpoint.ts';
import { logVerifierKeys } from '../../../protocol/tlog/log-keys.ts';
import { ED25519_NOTE, parseVerifierKey, type VerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import { ENTITY_CONFIGURATION_BYTES } from '../../lib/limits.ts';
import type { Outbound } from '../../lib/outbound.ts';

/** Whose signature a checkpoint of the log must bear, and why these keys are believed. */
export interface LogTrust {
  readonly origin: string;
  readonly logKeys: readonly VerifierKey[];
  /** The root that vouches for them; null where the caller named the key itself. */
  readonly root: string | null;
  readonly serial: number;
  /** The `online-keys+jwt`. */
  readonly onlineKeys: string | null;
}

/** Trust in one key that the caller names by its vkey. Throws `key_invalid`. */
export function trustLogKey(vkey: string): LogTrust {
  const key = parseVerifierKey(vkey);
  if (key.type !== ED25519_NOTE) throw new CountersignError('key_invalid', 'This is no key of a log.');
  return { origin: key.name, logKeys: [key], root: null, serial: 0, onlineKeys: null };
}

const ENTITY_CONFIGURATION_PATH = '/.well-known/openid-federation';

/**
 * The log's keys as the bridge publishes them: vouched for by the offline root of `pinned`, or, the first time, by
 * whichever root the bridge shows (trust on first use: the caller remembers it). Throws `root_mismatch`,
 * `serial_rollback`, `jws_unknown_key` when there is no key for the log, and what verification throws.
 */
export async function readLogTrust(
  request: Outbound['request'],
  bridge: string,
  pinned: { root: string | undefined; leastSerial: number },
  now: number,
): Promise<LogTrust> {
  const address = bridge + ENTITY_CONFIGURATION_PATH;
  const answer = await request(address, { maxBytes: ENTITY_CONFIGURATION_BYTES });
  if (answer.status !== 200) {
    throw new CountersignError('outbound_failed', `${address} answered with status ${answer.status}.`);
  }
  const token = new TextDecoder().decode(answer.body).trim();
  const expected = {
    entityId: bridge,
    rootThumbprint: pinned.root ?? rootOf(token),
    leastSerial: pinned.leastSerial,
  };
  const { onlineKeys, onlineKeysToken } = await verifyEntityConfiguration(token, expected, now);
  const logKeys = logVerifierKeys(onlineKeys);
  if (logKeys.length === 0) {
    throw new CountersignError('jws_unknown_key', 'The bridge publishes no key of its log.');
  }
  return {
    origin: logOrigin(bridge),
    logKeys,
    root: expected.rootThumbprint,
    serial: onlineKeys.serial,
    onlineKeys: onlineKeysToken,
  };
}

/** The root that the bridge says is its own: believed once, when nothing is known of it. */
function rootOf(token: string): string {
  const { metadata } = decodeClaims(token, 'entity-statement+jwt', entityConfigurationSchema);
  return readHeader(metadata.key_bridge.online_keys).kid;
}
