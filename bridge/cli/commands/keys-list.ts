import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { decodeClaims, readHeader } from '../../../protocol/jws.ts';
import { type OnlineKeysClaims, onlineKeysSchema, verifyOnlineKeys } from '../../../protocol/online-keys.ts';
import { thumbprint } from '../../../protocol/public-key.ts';
import { seconds, systemClock } from '../../lib/clock.ts';
import { onlineKeysWarning } from '../../lifecycle/readiness.ts';
import { findSigner } from '../../signer/stored-keys.ts';
import { createApiClient } from '../api-client.ts';
import { type LocalOptions, readLocalStorage, readStored, withLocalOptions } from '../local-store.ts';
import { show, table, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

type Options = LocalOptions & { readonly bridge?: string; readonly json?: boolean };

/** What is public of a bridge's keys. */
interface PublishedKeys {
  readonly rootThumbprint: string;
  readonly claims: OnlineKeysClaims;
}

export function addKeysListCommand(keys: Command, terminal: Terminal): void {
  withLocalOptions(keys.command('list'))
    .description(
      'the published online keys and the root’s fingerprint; needs no secret, but for a store that has one',
    )
    .option('--bridge <url>', 'ask the bridge there, in place of the store on this machine')
    .option('--json', 'answer as JSON')
    .action((options: Options) => list(terminal, options));
}

async function list(terminal: Terminal, options: Options): Promise<void> {
  const { rootThumbprint, claims } = await findKeys(terminal, options);
  show(terminal, options, { rootThumbprint, ...describeKeys(claims) }, ({ serial, expires, warning, keys }) =>
    [
      `Root fingerprint ${rootThumbprint}, serial ${serial}, online keys valid until ${when(expires)}`,
      ...(warning === null ? [] : [warning]),
      table(
        ['purpose', 'thumbprint', 'from', 'until', 'state'],
        keys.map((key) => [key.purpose, key.thumbprint, when(key.nbf), when(key.exp), key.state]),
      ),
    ].join('\n'),
  );
}

function findKeys(terminal: Terminal, options: Options): Promise<PublishedKeys> {
  if (options.bridge !== undefined) return askBridge(terminal, options.bridge);
  if (!existsSync(options.config)) {
    throw new UsageError(
      `There is no ${options.config} here: give --config, or --bridge with the URL of the bridge to ask it.`,
    );
  }
  return readStored(readLocalStorage(terminal, options), async (database) => {
    const stored = await database.read(findSigner);
    if (stored === undefined) throw new UsageError('This store has no keys yet: run `countersign init`.');
    const { token, rootThumbprint } = stored;
    return { rootThumbprint, claims: decodeClaims(token, 'online-keys+jwt', onlineKeysSchema) };
  });
}

/** What the bridge publishes, if it holds together under the root that it names: nothing is pinned here. */
async function askBridge(terminal: Terminal, bridge: string): Promise<PublishedKeys> {
  const url = URL.canParse(bridge) ? new URL(bridge) : undefined;
  if (url === undefined || url.protocol !== 'https:') {
    throw new UsageError('--bridge is the https URL of a bridge, such as https://bridge.acme.example.');
  }
  const iss = url.origin;
  const token = await createApiClient(terminal, { url: iss }).text('/.well-known/countersign/online-keys');
  const { kid: rootThumbprint } = readHeader(token);
  await verifyOnlineKeys(token, { iss, rootThumbprint }, seconds(systemClock));
  return { rootThumbprint, claims: decodeClaims(token, 'online-keys+jwt', onlineKeysSchema) };
}

function describeKeys(claims: OnlineKeysClaims) {
  const now = seconds(systemClock);
  const latest = new Map(
    claims.keys.filter(({ nbf }) => nbf <= now).map((key) => [key.purpose, key] as const),
  );
  const keys = claims.keys.map((key) => ({
    purpose: key.purpose,
    thumbprint: thumbprint(key.jwk),
    nbf: key.nbf,
    exp: key.exp,
    state: key.nbf > now ? 'next' : latest.get(key.purpose) === key && key.exp > now ? 'in use' : 'retired',
  }));
  const { serial, exp: expires, compromised } = claims;
  const warning = onlineKeysWarning(expires, now) ?? null;
  return { serial, expires, warning, keys, compromised };
}
