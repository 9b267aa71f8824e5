import { parseAddress } from '../../protocol/address.ts';
import { CountersignError, parseErrorCode } from '../../protocol/errors.ts';
import {
  HISTORY_PAGE,
  type KeyFindingReport,
  type KeyHistory,
  type KeyHistoryCause,
} from '../../protocol/key-history.ts';
import { type SignedStatement, statementHash } from '../../protocol/key-statement.ts';
import { addressesOf } from '../directory/addresses.ts';
import { findPersonKeys } from '../directory/person-keys.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { lastVersion, statementsBetween } from '../directory/statements.ts';
import type { EventBody } from '../events/event.ts';
import { eventsAround } from '../events/events-around.ts';
import { type VersionTimes, versionTimes } from '../keylog/version-times.ts';
import { FINDINGS_PER_HOUR } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Action } from '../policy/decision.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';
import type { Query } from '../storage/database.ts';
import type { Holder } from './holder.ts';
import { requirePersonPermission } from './permission.ts';
import type { BindingDeps } from './services.ts';

/** What the log has of a person's own address, for the person to watch over. */
export interface KeyHistories {
  /**
   * Versions of an address that the person holds, from `from` on. Only what is in the log: a grant that is staged is served
   * to nobody. Throws `forbidden` for an address that is not theirs, `no_address`, `address_invalid`, `person_closed`.
   */
  read(who: Holder, wanted: { address?: string | undefined; from: number }): Promise<KeyHistory>;

  /** Leaves the event `key.unrecognized`. Throws `forbidden`, `rate_limited`, `person_closed`. */
  report(who: Holder, finding: KeyFindingReport, context: RequestContext): Promise<void>;
}

export type KeyHistoriesDeps = Pick<
  BindingDeps,
  'database' | 'signer' | 'events' | 'keyLog' | 'policy' | 'clock'
> & {
  readonly cache: Keyspace;
};

const HOUR_MS = 3_600_000;

export function createKeyHistories(deps: KeyHistoriesDeps): KeyHistories {
  const { database, signer, events, keyLog } = deps;
  const reports = keyspace(deps.cache, 'key-findings');

  /** The person's addresses: the one with keys first, and then the primary one. */
  async function ownAddresses(query: Query, sub: string): Promise<string[]> {
    await requireActivePerson(query, sub);
    const keys = await findPersonKeys(query, sub);
    const held = (await addressesOf(query, sub)).map(({ address }) => address);
    return keys === undefined ? held : [keys.address, ...held];
  }

  async function requireOwn(query: Query, who: Holder, action: Action, wanted?: string): Promise<string> {
    const own = await ownAddresses(query, who.sub);
    const address = wanted === undefined ? own[0] : parseAddress(wanted).address;
    if (address === undefined) throw new CountersignError('no_address');
    const { domain } = parseAddress(address);
    const holder = own.includes(address) ? { owner: who.sub, assurance: who.assurance } : {};
    requirePersonPermission(deps, who, {
      action,
      resource: { kind: 'address', id: address, domain, ...holder },
    });
    return address;
  }

  /** Without those at the end that are not published yet. */
  async function publishedOf(query: Query, versions: SignedStatement[]): Promise<SignedStatement[]> {
    const published = [...versions];
    for (let last = published.at(-1); last !== undefined; last = published.at(-1)) {
      const { address, version } = last.statement;
      if (await keyLog.isPublished(query, 'address', address, version)) break;
      published.pop();
    }
    return published;
  }

  async function proofsOf(query: Query, { statement }: SignedStatement) {
    const { address, version } = statement;
    const best = await keyLog.staple(query, 'address', address, version);
    const newest = await keyLog.staple(query, 'address', address, version, 'newest');
    return {
      ...(best === null ? {} : { log_proof: best }),
      ...(newest === null || newest === best ? {} : { newest_log_proof: newest }),
    };
  }

  return {
    read: (who, wanted) =>
      database.read(async (query) => {
        const address = await requireOwn(query, who, 'see-self', wanted.address);
        const { from } = wanted;
        const behind = from + HISTORY_PAGE;
        const found = await statementsBetween(query, address, { from, to: behind });
        const gone = erasedAmong(found, { from, to: behind }, await lastVersion(query, address));
        const versions = await publishedOf(query, found);
        const page = versions.filter(({ statement }) => statement.version < behind);
        const more = versions.length > page.length || gone.includes(behind);
        const newest = more ? undefined : page.at(-1);
        const erased = gone.filter((version) => version < behind);
        const times = await versionTimes(query, { kind: 'address', name: address }, { from, to: behind });
        const shown: KeyHistory['versions'] = [];
        for (const signed of page) shown.push(await describe(query, signed, times, who.sub));
        return {
          ...{ iss: signer.iss, address, online_keys: signer.onlineKeysToken(), versions: shown, more },
          ...(erased.length === 0 ? {} : { erased }),
          ...(newest === undefined ? {} : await proofsOf(query, newest)),
        };
      }),

    async report(who, { finding, address: named, version, statement_hash, code }, context) {
      const address = await database.read((query) => requireOwn(query, who, 'report-finding', named));
      if ((await reports.increment(who.sub, HOUR_MS)) > FINDINGS_PER_HOUR) {
        throw new CountersignError('rate_limited');
      }
      const known = parseErrorCode(code);
      await events.record({
        type: 'key.unrecognized',
        actor: context.actor,
        subject: { sub: who.sub, address, device: who.deviceId },
        outcome: 'failure',
        requestId: context.requestId,
        ...(known === undefined ? {} : { code: known }),
        data: {
          finding,
          ...(version === undefined ? {} : { version }),
          ...(statement_hash === undefined ? {} : { statement_hash }),
        },
      });
    },
  };
}

/** The numbers up to the last one that nothing is left of. */
function erasedAmong(
  found: readonly SignedStatement[],
  { from, to }: { from: number; to: number },
  last: { readonly version: number } | undefined,
): number[] {
  const left = new Set(found.map(({ statement }) => statement.version));
  const erased: number[] = [];
  for (let version = from; version <= Math.min(to, last?.version ?? -1); version++) {
    if (!left.has(version)) erased.push(version);
  }
  return erased;
}

/** With what is known about how it came to be; of somebody else's versions that is nobody's business. */
async function describe(
  query: Query,
  signed: SignedStatement,
  times: ReadonlyMap<number, VersionTimes>,
  sub: string,
): Promise<KeyHistory['versions'][number]> {
  const { statement } = signed;
  const placed = times.get(statement.version);
  const logged = placed?.time_ms == null ? null : Math.floor(placed.time_ms / 1000);
  const around =
    placed === undefined || statement.sub !== sub ? [] : await eventsAround(query, placed.staged_id, sub);
  const reported = around.find((event) => tellsOf(event, signed));
  const said = around.find(
    ({ type, request_id }) =>
      (type === 'person.closed' || type === 'person.reset') && request_id === reported?.request_id,
  )?.data;
  const words = said !== undefined && 'reason' in said ? said.reason : undefined;
  return {
    ...signed,
    logged,
    by: reported === undefined ? null : causeOf(reported),
    ...(typeof words === 'string' ? { said: words } : {}),
  };
}

function tellsOf({ type, subject, data }: EventBody, { statement }: SignedStatement): boolean {
  if (subject.address !== statement.address) return false;
  if (statement.status === 'revoked') {
    return (
      type === 'statement.revoked' &&
      'statement_hash' in data &&
      data.statement_hash === statementHash(statement)
    );
  }
  const made = type === 'enrolment.confirmed' || type === 'person.rotated';
  return made && 'version' in data && data.version === statement.version;
}

function causeOf({ actor }: EventBody): KeyHistoryCause | null {
  switch (actor.kind) {
    case 'person':
      return { kind: 'person', ...(actor.device === undefined ? {} : { device: actor.device }) };
    case 'administrator':
      return {
        kind: 'administrator',
        id: actor.id,
        ...(actor.name === undefined ? {} : { name: actor.name }),
      };
    case 'system':
      return { kind: 'bridge' };
    default:
      return null;
  }
}
