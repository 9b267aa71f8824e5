import { CountersignError } from '../../protocol/errors.ts';
import type { KeptEscrow, ReadingBody, ReleasedReading } from '../../protocol/escrow/kept-escrow.ts';
import type { RecoverySummary } from '../../protocol/escrow/organization-api.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import { findPersonKeys } from '../directory/person-keys.ts';
import { activeStatementOf } from '../directory/statements.ts';
import { succeeded } from '../events/succeeded.ts';
import { seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { OPEN_RECOVERIES, RECOVERY_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { isUniqueViolation, type Query, type Transaction } from '../storage/database.ts';
import { keptContent, sealKept } from './kept-escrow-content.ts';
import { findKeptEscrow, hasKeptEscrow, insertKeptEscrow, listKeptEscrows } from './kept-escrow-store.ts';
import { assertStillEscrowed, type CaseDeps, readCase } from './recovery-cases.ts';
import {
  findRecoveryByRequest,
  insertRecovery,
  pendingRecoveries,
  type StoredRecovery,
} from './recovery-store.ts';
import { releasedShares, requireRecoveryOf, statusOf, subjectOf, summary } from './recovery-views.ts';

/**
 * What closed persons had escrowed to the organization, kept for a time so that the company can read what they sealed to
 * themselves. It needs what a recovery needs: two administrators, who release it to a reader whose key they compare.
 */
export interface KeptEscrows {
  /**
   * Part of closing a person, before their keys are deleted: keeps what they escrowed to the organization. Answers whether
   * anything of theirs is kept. What does not open any more is not kept, and never in the way of the closing.
   */
  keep(tx: Transaction, sub: string, context: RequestContext): Promise<boolean>;
  list(): Promise<KeptEscrow[]>;
  /**
   * Asks two administrators for it; approved and refused as a recovery is. Throws `escrow_none`, `recrypt_input_invalid`,
   * `rate_limited`, `request_id_reused`.
   */
  request(id: string, body: ReadingBody, context: RequestContext): Promise<RecoverySummary>;
  /** What was released, for the reader alone to open. Throws `recovery_unknown`, `recovery_state`, `escrow_none`. */
  open(reading: string, context: RequestContext): Promise<ReleasedReading>;
  /** A reading that two administrators have released, of what is still kept. Throws as `open` does. */
  requireReleased(reader: Query | Transaction, reading: string): Promise<StoredRecovery>;
}

export function createKeptEscrows(deps: CaseDeps): KeptEscrows {
  const { database, clock, events, escrowKeepSeconds } = deps;

  async function requireReleased(reader: Query | Transaction, id: string): Promise<StoredRecovery> {
    const stored = await requireRecoveryOf(reader, id);
    if (stored.purpose !== 'reading') throw new CountersignError('recovery_unknown');
    const status = statusOf(stored, seconds(clock));
    if (status !== 'released') throw new CountersignError('recovery_state', `It is ${status}.`);
    await assertStillEscrowed(deps, reader, stored);
    return stored;
  }

  return {
    requireReleased,

    async keep(tx, sub, context) {
      if (escrowKeepSeconds > 0) await keepEscrow(deps, tx, sub, context);
      return hasKeptEscrow(tx, sub);
    },

    async list() {
      const kept = await database.read((query) => listKeptEscrows(query, seconds(clock) - escrowKeepSeconds));
      return kept.map((one) => ({ ...one, until: one.closed + escrowKeepSeconds }));
    },

    async request(id, body, context) {
      preFromJwk(deps.engine, body.reader);
      const requestHash = sha256Base64url(JSON.stringify([id, body]));
      try {
        await storeReading(deps, id, body, requestHash, context);
      } catch (error) {
        if (!isUniqueViolation(error, 'recoveries')) throw error;
      }
      const stored = await findReading(deps, id, body.request_id);
      if (stored?.request_hash !== requestHash) throw new CountersignError('request_id_reused');
      return summary(stored, seconds(clock));
    },

    async open(id, context) {
      const content = await readCase(deps, await database.read((query) => requireReleased(query, id)));
      const { current, endorsements } = content;
      return database.transaction(async (tx) => {
        // To open it takes a while, in which the person may have been erased, or an administrator removed.
        const stored = await requireReleased(tx, id);
        const { token, shares } = await releasedShares(tx, stored, content);
        const read = { type: 'escrow.read', subject: subjectOf(stored), data: { recovery: id } } as const;
        await events.append(tx, succeeded(read, context));
        return { id, address: stored.address, token, shares, current, endorsements: [...endorsements] };
      });
    },
  };
}

async function keepEscrow(
  deps: CaseDeps,
  tx: Transaction,
  sub: string,
  context: RequestContext,
): Promise<void> {
  const keys = await findPersonKeys(tx, sub);
  const current = await activeStatementOf(tx, sub);
  if (keys === undefined || keys.escrow === null || current?.statement.escrow !== 'organization') return;
  const { address } = current.statement;
  const { key_version } = keys;
  const sealed = await sealedContent(deps, tx, { keys, sealed: keys.escrow, statement: current.statement });
  const subject = { sub, address };
  if (sealed === undefined) {
    const data = { key_version, reason: 'unreadable' };
    await deps.events.append(tx, succeeded({ type: 'escrow.destroyed', subject, data }, context));
    return;
  }
  const closed = seconds(deps.clock);
  const statement = JSON.stringify(current);
  await insertKeptEscrow(tx, { id: newId(), sub, address, key_version, statement, sealed, closed });
  const data = { key_version, until: closed + deps.escrowKeepSeconds };
  await deps.events.append(tx, succeeded({ type: 'escrow.kept', subject, data }, context));
}

/** `undefined` where it does not open: a closing must not fail of it. */
async function sealedContent(
  deps: CaseDeps,
  tx: Transaction,
  of: Parameters<typeof keptContent>[2],
): Promise<Uint8Array | undefined> {
  const name = { sub: of.keys.sub, keyVersion: of.keys.key_version };
  try {
    return await sealKept(deps.signer, name, await keptContent(deps, tx, of));
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

async function findReading(
  { database, clock, escrowKeepSeconds }: CaseDeps,
  id: string,
  requestId: string,
): Promise<StoredRecovery | undefined> {
  return database.read(async (query) => {
    const kept = await findKeptEscrow(query, id, seconds(clock) - escrowKeepSeconds);
    return kept === undefined ? undefined : findRecoveryByRequest(query, kept.sub, requestId);
  });
}

async function storeReading(
  deps: CaseDeps,
  id: string,
  { request_id, reader, reason }: ReadingBody,
  requestHash: string,
  context: RequestContext,
): Promise<void> {
  const now = seconds(deps.clock);
  await deps.database.transaction(async (tx) => {
    const kept = await findKeptEscrow(tx, id, now - deps.escrowKeepSeconds);
    if (kept === undefined) throw new CountersignError('escrow_none');
    const { sub, address, key_version } = kept;
    if ((await findRecoveryByRequest(tx, sub, request_id)) !== undefined) return;
    if ((await pendingRecoveries(tx, now, sub)).length >= OPEN_RECOVERIES) {
      throw new CountersignError('rate_limited', 'Too many readings are open: wait for an answer.');
    }
    const stored: StoredRecovery = {
      ...{ id: newId(), purpose: 'reading', kept: id, sub, address, key_version, device_id: '' },
      ...{ request_id, request_hash: requestHash, keys: JSON.stringify(reader), label: reason },
      ...{ status: 'pending', approvals: 0, created: now, expires: now + RECOVERY_LIFE_S },
    };
    await insertRecovery(tx, stored);
    const data = { recovery: stored.id, reason };
    const asked = { type: 'escrow.reading_requested', subject: subjectOf(stored), data } as const;
    await deps.events.append(tx, succeeded(asked, context));
  });
}
