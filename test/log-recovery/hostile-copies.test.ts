import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkEvidence } from '../../bridge/keylog/audit/check-evidence.ts';
import { forkEvidence } from '../../bridge/keylog/recovery/fork-evidence.ts';
import { type LogCopy, openLogCopy } from '../../bridge/keylog/recovery/log-copy.ts';
import { ForkedCopy, type VerifiedCopy } from '../../bridge/keylog/recovery/verified-copy.ts';
import { stageTrustChange } from '../../bridge/keylog/trust-changes.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { newestSigned } from '../../bridge/tlog/checkpoint-store.ts';
import { checkpointNoteOf } from '../../bridge/tlog/checkpoints.ts';
import type { HeadAnswer, HeadWitness } from '../../bridge/tlog/head-witness.ts';
import { readHead } from '../../bridge/tlog/log-heads.ts';
import { logVerifierKeys } from '../../bridge/tlog/note-signer.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { encodeEntryBundle, entriesPath } from '../../protocol/tlog/tile.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { type StoreSnapshot, takeSnapshot } from '../fakes/store-snapshot.ts';
import { copyOf, isNewest, type RestoredParts, restoredParts, verifyFor } from './recovery-fixture.ts';

let live: BridgeParts;
let origin: string;
let beforeTheLog: StoreSnapshot;
/** On a backup of `live`, which went on by itself: the same keys have signed another history. */
let fork: RestoredParts;
/** On the same backup, and nothing happened since. */
let restored: RestoredParts;
let copy: LogCopy;
/** What that one has signed: as long as the copy, and longer. */
let forks: { readonly same: ForkedCopy['copy']; readonly longer: ForkedCopy['copy'] };
let verified: VerifiedCopy;

async function change({ database, keyLog, clock, signer }: BridgeParts, id: string): Promise<void> {
  const said = {
    name: `connection/${id}`,
    change: 'connection.changed',
    by: SYSTEM.actor,
    state: null,
  } as const;
  const deps = { keyLog, clock, issuer: signer.iss };
  await database.transaction((tx) => stageTrustChange(deps, tx, said));
  await keyLog.published('trust-change', said.name, 0);
}

beforeAll(async () => {
  live = await bridgeParts();
  origin = logOrigin(live.signer.iss);
  beforeTheLog = new Map([...(await takeSnapshot(live.database)), ['log_secrets', []]]);
  await change(live, 'a');
  const backup = await takeSnapshot(live.database);
  live.clock.advance(1);
  await change(live, 'b');
  copy = await copyOf(live);
  fork = await restoredParts(live, backup);
  fork.keyLog.start();
  await change(fork, 'c');
  const same = await forkedCopy();
  await change(fork, 'd');
  forks = { same, longer: await forkedCopy() };
  restored = await restoredParts(live, backup);
  verified = await restored.verify(copy);
});
afterAll(async () => {
  await fork?.remove();
  await restored?.remove();
  await live?.remove();
});

async function forkedCopy(): Promise<ForkedCopy['copy']> {
  const forked = await verifyFor(live, await copyOf(fork)).catch((error: unknown) => error);
  if (!(forked instanceof ForkedCopy)) throw forked;
  return forked.copy;
}

const signedOf = async ({ database }: BridgeParts) => {
  const signed = await database.read((query) => newestSigned(query, 'keys'));
  if (signed === undefined) throw new Error('nothing is signed');
  return { size: signed.size, note: checkpointNoteOf(origin, signed) };
};

describe('a copy of the log', () => {
  it('is not put onto a store from before the log, whose next versions nobody could make', async () => {
    const empty = await restoredParts(live, beforeTheLog);
    try {
      await expect(empty.recover(copy)).rejects.toMatchObject({ code: 'state_refused' });
      await empty.database.read(async (query) => {
        expect((await readHead(query, 'keys'))?.size ?? 0).toBe(0);
        expect(await query.selectFrom('log_secrets').selectAll().execute()).toEqual([]);
      });
    } finally {
      await empty.remove();
    }
  });

  it('that is another history than the store’s is proof of a fork, which anybody can check', async () => {
    const older = await signedOf(live);
    for (const [code, forked] of [
      ['split_view', forks.same],
      ['history_rewritten', forks.longer],
    ] as const) {
      const evidence = forkEvidence({
        ...{ origin, issuer: live.signer.iss, older, newer: forked.note },
        ...{ size: forked.checkpoint.size, beginning: forked.beginning(older.size) },
        logKeys: logVerifierKeys(live.signer.onlineKeys().all('log'), origin),
        trust: { root: live.root.kid, online_keys: live.signer.onlineKeysToken() },
        now: Math.floor(live.clock.now() / 1000),
      });
      const verdict = await checkEvidence(JSON.parse(JSON.stringify(evidence)), { root: live.root.kid });
      expect(verdict).toMatchObject({ proven: true, root: live.root.kid });
      expect(verdict.evidence.finding.code).toBe(code);
    }
  });
});

describe('a witness that is asked whether a copy is the newest', () => {
  const shows = ({ checkpoint, note }: ForkedCopy['copy'], signed = true): HeadAnswer => {
    return { kind: 'shows', checkpoint: { ...checkpoint, note, signed, cosigned: true } };
  };
  const witness = (answer: HeadAnswer | CountersignError): HeadWitness => ({
    name: 'w.example/w',
    ask: async () => {
      if (answer instanceof CountersignError) throw answer;
      return answer;
    },
  });
  const judged = (...witnesses: HeadWitness[]) =>
    isNewest(verified, origin, { witnesses, quorum: 1 }).catch((error: { code?: string; name: string }) => {
      return error.code ?? error.name;
    });

  it('vouches for it by what it has seen, or by its word that it has seen no more', async () => {
    expect(await judged(witness(shows(verified)))).toBe('witnesses');
    expect(await judged(witness({ kind: 'says', size: verified.from.size }))).toBe('witnesses');
  });

  it('stops it with another history, or a longer one, that our log has signed', async () => {
    expect(await judged(witness(shows(forks.same)))).toBe('ContradictedCopy');
    expect(await judged(witness(shows(forks.longer)))).toBe('state_refused');
    // another that has not seen it does not help
    expect(await judged(witness(shows(verified)), witness(shows(forks.longer)))).toBe('state_refused');
  });

  it('can hold it up, and not condemn it, by what our log has not signed', async () => {
    expect(await judged(witness(shows(forks.same, false)))).toBe('unavailable');
    expect(await judged(witness({ kind: 'says', size: verified.checkpoint.size + 1 }))).toBe('unavailable');
    expect(await judged(witness(new CountersignError('outbound_failed')))).toBe('unavailable');
    expect(await judged(witness(shows(verified)), witness(new CountersignError('outbound_failed')))).toBe(
      'unavailable',
    );
  });
});

describe('a mirror that is asked for the log', () => {
  const MIRROR = 'https://mirror.example/log/';
  const mirrored = async (altered: (files: Map<string, Uint8Array>) => void = () => {}) => {
    const files = new Map<string, Uint8Array>([['checkpoint', new TextEncoder().encode(copy.note)]]);
    let index = 0;
    for await (const entries of copy.entries()) {
      files.set(entriesPath({ index: index++, width: entries.length }), encodeEntryBundle(entries));
    }
    altered(files);
    return openLogCopy(MIRROR, async (url) => {
      const body = String(url).startsWith(MIRROR) ? files.get(String(url).slice(MIRROR.length)) : undefined;
      return {
        status: body === undefined ? 404 : 200,
        headers: new Headers(),
        body: body ?? new Uint8Array(),
      };
    });
  };
  const refused = (altered: (files: Map<string, Uint8Array>) => void) =>
    mirrored(altered)
      .then((given) => restored.verify(given))
      .catch((error: { code: string }) => error.code);
  const bundle = (files: Map<string, Uint8Array>) =>
    [...files.keys()].find((path) => path !== 'checkpoint') ?? '';

  it('brings what a folder would', async () => {
    const { checkpoint, tail } = await restored.verify(await mirrored());
    expect(checkpoint.size).toBe(verified.checkpoint.size);
    expect(tail).toEqual(verified.tail);
  });

  it('changes nothing, leaves nothing out, and sends no more than there is', async () => {
    const last = (bytes: Uint8Array) => bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1);
    expect(
      await refused((files) =>
        files.set(bundle(files), last(files.get(bundle(files)) ?? last(new Uint8Array(1)))),
      ),
    ).toBe('state_refused');
    expect(await refused((files) => files.set(bundle(files), new Uint8Array(70_000)))).toBe('state_refused');
    expect(await refused((files) => files.delete(bundle(files)))).toMatch(
      /^(state_refused|outbound_failed)$/,
    );
    expect(await refused((files) => files.delete('checkpoint'))).toBe('outbound_failed');
  });
});
