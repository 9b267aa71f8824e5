import { type Json, labelled } from '../../protocol/canonical-json.ts';
import type { EventType } from '../events/catalog.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Actor } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import type { KeyLog } from './key-log.ts';
import { newestVersion } from './version-store.ts';

/** What happened, in the words of the event catalogue where there is an event of it. */
export type TrustChangeKind =
  | Extract<EventType, `connection.${string}` | `domain.${string}` | `admin.${string}` | `keys.${string}`>
  | Extract<EventType, 'log.recovered'>
  | 'connection.removed'
  | 'admin.link_created';

export interface TrustChange {
  /** What it is about; with a prefix (`connection/`, `domain/`…) that keeps it apart from partners' entity ids. */
  readonly name: string;
  readonly change: TrustChangeKind;
  readonly by: Actor;
  /** How it stands from now on, without secrets; null where it is gone. */
  readonly state: Json;
}

export interface TrustChangesDeps {
  readonly issuer: string;
  readonly keyLog: Pick<KeyLog, 'stage'>;
  readonly clock: Clock;
}

/**
 * Stages a change of whom this bridge trusts, in the transaction of the change: the log commits to who changed what,
 * and when. Versions of a name count from 0 and go on where something of that name is removed and made again.
 * Throws `conflict` when somebody else changed the same thing just now.
 */
export async function stageTrustChange(
  deps: TrustChangesDeps,
  tx: Transaction,
  { name, change, by, state }: TrustChange,
): Promise<void> {
  const newest = await newestVersion(tx, 'trust-change', name);
  const version = newest === undefined ? 0 : newest.version + 1;
  const at = seconds(deps.clock);
  const value = labelled('trust-change', {
    ...{ iss: deps.issuer, name, version, change, by: idOf(by), at, state },
  });
  await deps.keyLog.stage(tx, { kind: 'trust-change', name, version, value });
}

/** By id alone: names and client addresses stand in the event of the change, which is forgotten one day. */
function idOf(actor: Actor): Json {
  switch (actor.kind) {
    case 'administrator':
      return { kind: actor.kind, id: actor.id };
    case 'person':
      return { kind: actor.kind, sub: actor.sub };
    case 'partner':
      return { kind: actor.kind, iss: actor.iss };
    case 'system':
    case 'anonymous':
      return { kind: actor.kind };
  }
}
