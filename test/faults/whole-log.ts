import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { type Clock, seconds } from '../../bridge/lib/clock.ts';
import type { Outbound } from '../../bridge/lib/outbound.ts';
import type { KeyLogParts } from '../../bridge/main/open-key-log.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { readHead } from '../../bridge/tlog/log-heads.ts';
import { consistencyProof, readEntryBundle } from '../../bridge/tlog/log-tree.ts';
import { currentLogKey } from '../../bridge/tlog/note-signer.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { commit } from '../../protocol/keytrans/commitment.ts';
import { label } from '../../protocol/keytrans/label.ts';
import { parseLogEntry } from '../../protocol/keytrans/log-entry.ts';
import { verifyLogStaple } from '../../protocol/keytrans/log-proof.ts';
import { logOrigin, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { verifyConsistency } from '../../protocol/tlog/merkle.ts';
import { decodeEntryBundle, parseTilePath, TILE_WIDTH, tileWidth } from '../../protocol/tlog/tile.ts';
import { formatVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { type LoggedName, loggedBytes, type Said } from './sequencing-work.ts';

export interface RunningLog extends Pick<KeyLogParts, 'keyLog' | 'publication'> {
  readonly database: Database;
  readonly signer: Signer;
  readonly clock: Clock;
}

export interface WholeLog {
  readonly size: number;
  /** Versions, each with its entry. */
  readonly versions: number;
}

/**
 * Holds the log in the store against everything that was ever said of it: an auditor who starts from nothing replays
 * it, every checkpoint that may have been signed is a prefix of it, and every acknowledged version is read back, the
 * newest of each name with a proof that verifies. Throws at the first thing that does not fit.
 *
 * @param folder - the auditor's, for as long as it takes
 */
export async function checkWholeLog(
  log: RunningLog,
  said: readonly Said[],
  folder: string,
): Promise<WholeLog> {
  const { database, signer } = log;
  const head = await database.read((query) => readHead(query, 'keys'));
  if (head === undefined) throw new Error('the log has no head');
  const audited = await audit(log, folder);
  if (audited.size !== head.size) throw new Error(`${audited.size} of ${head.size} entries are public`);
  const root = decodeBase64url(head.hash, 32);
  if (audited.root !== head.hash) throw new Error('the audited root is not that of the head');
  for (const { signing } of said) {
    if (signing === undefined) continue;
    const { origin, size, root: signed } = parseCheckpoint(signing);
    if (origin !== logOrigin(signer.iss) || size > head.size) throw new Error(`${signing} is not of the log`);
    const proof = await database.read((query) => consistencyProof(query, 'keys', size, head.size));
    verifyConsistency({ oldSize: size, oldRoot: signed, newSize: head.size, newRoot: root, proof });
  }
  const entries = await readEntries(database, head.size);
  const acknowledged = said.flatMap((line) => line.acknowledged ?? []);
  for (const name of acknowledged) await assertLogged(log, entries, name);
  for (const name of newestOf(acknowledged)) await assertStapled(log, name);
  const versions = entries.filter((entry) => entry[0] === 1).length;
  if (versions !== audited.leaves) throw new Error('entries and leaves of the map differ');
  return { size: head.size, versions };
}

async function audit({ publication, signer, clock }: RunningLog, within: string) {
  const folder = await mkdtemp(join(within, 'audit-'));
  const logKey = formatVerifierKey(currentLogKey(signer, logOrigin(signer.iss)));
  const request = requestTo(publication, `${signer.iss}/log/`);
  const auditor = await openAuditor({ bridge: signer.iss, state: folder, request, clock, logKey });
  try {
    const outcome = await auditor.run();
    if (outcome.outcome === 'alarm') throw new Error(JSON.stringify(outcome.evidence.finding));
    if (outcome.outcome === 'alarm_stands') throw new Error(JSON.stringify(outcome.alarm));
    return outcome;
  } finally {
    await auditor.close();
    await rm(folder, { recursive: true });
  }
}

/** What the routes of the log answer, without the network between. */
function requestTo(publication: KeyLogParts['publication'], base: string): Outbound['request'] {
  return async (url) => {
    const path = String(url).slice(base.length);
    const tile = parseTilePath(path);
    const found = tile === undefined ? await publication.checkpoint() : await publication.tile(tile);
    const body = typeof found === 'string' ? new TextEncoder().encode(found) : found;
    return { status: body === undefined ? 404 : 200, headers: new Headers(), body: body ?? new Uint8Array() };
  };
}

async function readEntries(database: Database, size: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = tileWidth('entries', index, size);
    const bundle = await database.read((query) => readEntryBundle(query, 'keys', index, width));
    entries.push(...decodeEntryBundle(bundle ?? new Uint8Array()));
  }
  return entries;
}

/** The entry at the version's place commits to what was acknowledged. */
async function assertLogged(
  { database }: RunningLog,
  entries: readonly Uint8Array[],
  named: LoggedName,
): Promise<void> {
  const { name, version } = named;
  const row = await database.read((query) =>
    query
      .selectFrom('logged_versions')
      .select(['position', 'opening', 'value'])
      .where('kind', '=', 'address')
      .where('name', '=', name)
      .where('version', '=', version)
      .executeTakeFirst(),
  );
  const entry = parseLogEntry(entries[row?.position ?? -1] ?? new Uint8Array());
  const opening = row?.opening ?? new Uint8Array();
  const expected = commit({ opening, label: label('address', name), version, value: loggedBytes(named) });
  if (entry.kind !== 'version' || !equalBytes(entry.commitment, expected)) {
    throw new Error(`version ${version} of ${name} was acknowledged and is not in the log`);
  }
}

async function assertStapled(log: RunningLog, named: LoggedName): Promise<void> {
  const { name, version } = named;
  const { database, keyLog, signer, clock } = log;
  const staple = await database.read((query) => keyLog.staple(query, 'address', name, version));
  if (staple === null) throw new Error(`version ${version} of ${name} was acknowledged and has no proof`);
  await verifyLogStaple({
    ...{ staple, kind: 'address', name, version, value: loggedBytes(named), origin: logOrigin(signer.iss) },
    ...{ logKeys: signer.onlineKeys().all('log'), trust: undefined, now: seconds(clock) },
  });
}

function newestOf(names: readonly LoggedName[]): LoggedName[] {
  const newest = new Map<string, LoggedName>();
  for (const named of names) {
    if (named.version >= (newest.get(named.name)?.version ?? 0)) newest.set(named.name, named);
  }
  return [...newest.values()];
}
