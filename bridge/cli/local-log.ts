import { decodeClaims } from '../../protocol/jws.ts';
import { onlineKeysSchema } from '../../protocol/online-keys.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { parseVerifierKey, type VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { readCaCertificates } from '../config/certificate-files.ts';
import type { Config } from '../config/index.ts';
import { systemClock } from '../lib/clock.ts';
import { createLogger } from '../lib/logger.ts';
import { createOutbound } from '../lib/outbound.ts';
import { createDnsResolver } from '../lib/resolver.ts';
import { findSigner, type StoredSigner } from '../signer/stored-keys.ts';
import { isHeadFileApart } from '../tlog/head-file-place.ts';
import { headWitnesses } from '../tlog/head-witness.ts';
import type { LogSurveyDeps } from '../tlog/log-survey.ts';
import { logVerifierKeys } from '../tlog/note-signer.ts';
import type { LocalStore } from './local-store.ts';
import { UsageError } from './usage-error.ts';

/** The key log of a store on this machine, with all that knows of it. */
export interface LocalLog {
  /** What it is held against. */
  readonly survey: LogSurveyDeps;
  /** Under which it signs, and has signed; not the compromised ones. */
  readonly logKeys: readonly VerifierKey[];
  readonly stored: StoredSigner;
}

/** Opens it for the time of `work`, with the way out to its witnesses. */
export async function inLocalLog<Result>(
  { config, database }: Pick<LocalStore, 'config' | 'database'>,
  work: (log: LocalLog) => Promise<Result>,
): Promise<Result> {
  const stored = await database.read(findSigner);
  if (stored === undefined) {
    throw new UsageError(
      'This store has no keys: it is new, or not the one that you look for. See `storage` in the configuration; ' +
        '`countersign init` begins a new one.',
    );
  }
  if (stored.iss !== config.issuer) {
    throw new UsageError(`This store has the keys of ${stored.iss}, and the issuer is ${config.issuer}.`);
  }
  const { serial, iat, keys, compromised } = decodeClaims(stored.token, 'online-keys+jwt', onlineKeysSchema);
  const origin = logOrigin(config.issuer);
  const logKeys = logVerifierKeys(
    keys.filter(({ purpose, jwk }) => purpose === 'log' && !compromised.includes(thumbprint(jwk))),
    origin,
  );
  const outbound = openOutbound(config);
  try {
    return await work({
      survey: {
        ...{ log: 'keys', origin, database },
        logger: createLogger({ level: 'silent' }),
        witnesses: headWitnesses(
          outbound,
          config.key_log.witnesses.map(({ vkey, url }) => ({ key: parseVerifierKey(vkey), url })),
          { origin, logKeys: () => logKeys },
        ),
        quorum: config.key_log.quorum,
        headFilePath: config.key_log.head_file,
        headFileApart: await isHeadFileApart(
          config.key_log.head_file,
          config.storage.driver === 'sqlite' ? config.storage.path : undefined,
        ),
        clock: systemClock,
        // later issues say when keys were renewed
        storeMade: serial === 1 ? iat * 1000 : undefined,
      },
      ...{ logKeys, stored },
    });
  } finally {
    await outbound.close();
  }
}

function openOutbound(config: Config) {
  const { allowed_networks: allowedNetworks, dns_servers: servers } = config.outbound;
  return createOutbound({
    resolver: createDnsResolver(servers === undefined ? {} : { servers }),
    allowedNetworks,
    caCertificates: readCaCertificates(config),
  });
}
