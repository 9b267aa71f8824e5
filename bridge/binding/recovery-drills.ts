import * as z from 'zod';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { DrillAnswer, RecoveryDrill } from '../../protocol/escrow/organization-api.ts';
import { organizationKeyFingerprint, recoveryDrillContext } from '../../protocol/escrow/organization-key.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import { sealTo } from '../../recrypt/sealed-box.ts';
import { succeeded } from '../events/succeeded.ts';
import { seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { RECOVERY_DRILL_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { type Officer, type OfficersDeps, requireAnotherOfficer } from './officers.ts';
import {
  answersOf,
  deleteDrills,
  findDrill,
  insertAnswer,
  insertDrill,
  newestDrill,
  passDrill,
  type StoredDrill,
} from './recovery-drill-store.ts';
import { findRecoveryKey, halvesOf, pairOf } from './recovery-key-store.ts';
import type { BindingDeps } from './services.ts';

/**
 * A drill: random bytes, sealed to each half as a share is, which two administrators open, each on their machine. It shows
 * that files, passphrases and people are still there, and opens nobody's key: what is sealed for a drill is for nothing else.
 */
export interface RecoveryDrills {
  /** Begins one, or answers the one that is under way. Throws `recovery_half` while a half is missing. */
  begin(context: RequestContext): Promise<RecoveryDrill>;
  /** The newest one, finished or not; nothing where there was none. */
  list(): Promise<RecoveryDrill[]>;
  /**
   * What a half opened; the second one passes the drill. Throws `recovery_unknown`, `recovery_expired`, `recovery_half` for
   * what is not what was sealed, `recovery_officer`.
   */
  answer(officer: Officer, id: string, answer: DrillAnswer, context: RequestContext): Promise<RecoveryDrill>;
}

const pairSchema = z.tuple([z.string(), z.string()]);

export function createRecoveryDrills(deps: BindingDeps & OfficersDeps): RecoveryDrills {
  const { database, clock, events } = deps;

  async function view(drill: StoredDrill): Promise<RecoveryDrill> {
    const { id, begun, expires, passed } = drill;
    const { halves, answers } = await database.read(async (query) => ({
      halves: pairOf(await halvesOf(query, drill.generation)),
      answers: await answersOf(query, id),
    }));
    if (halves === undefined) throw new CountersignError('internal');
    const [left, right] = pairSchema.parse(JSON.parse(drill.boxes));
    return {
      ...{ id, begun, expires, passed },
      fingerprint: organizationKeyFingerprint(deps.signer.iss, halves),
      boxes: [
        { half: thumbprint(halves[0]), box: left },
        { half: thumbprint(halves[1]), box: right },
      ],
      answers: answers.map(({ half, admin_root_name }) => ({ half, administrator: admin_root_name })),
    };
  }

  async function newest(): Promise<StoredDrill> {
    const drill = await database.read(newestDrill);
    if (drill === undefined) throw new CountersignError('recovery_unknown');
    return drill;
  }

  return {
    async list() {
      const drill = await database.read(newestDrill);
      return drill === undefined ? [] : [await view(drill)];
    },

    async begin(context) {
      const made = await makeDrill(deps);
      await database.transaction(async (tx) => {
        const open = await newestDrill(tx);
        const isOpen = open?.passed === null && open.expires > made.begun;
        if (isOpen && open.generation === made.generation) return;
        await deleteDrills(tx);
        const { fingerprint, ...stored } = made;
        await insertDrill(tx, stored);
        const data = { drill: made.id, fingerprint };
        await events.append(tx, succeeded({ type: 'recovery.drill_begun', data }, context));
      });
      return view(await newest());
    },

    async answer(officer, id, { half, opened }, context) {
      await database.transaction(async (tx) => {
        const drill = await findDrill(tx, id);
        if (drill === undefined) throw new CountersignError('recovery_unknown');
        const now = seconds(clock);
        if (now >= drill.expires) throw new CountersignError('recovery_expired');
        const halves = await halvesOf(tx, drill.generation);
        const place = halves.findIndex((one) => one.half === half);
        const hash = pairSchema.parse(JSON.parse(drill.hashes))[place];
        if (hash === undefined || sha256Base64url(decodeBase64url(opened, 32)) !== hash) {
          throw new CountersignError('recovery_half', 'It is not what was sealed to this half.');
        }
        const before = await answersOf(tx, id);
        if (before.some((one) => one.half === half)) return;
        const by = await requireAnotherOfficer(deps, tx, officer, before);
        await insertAnswer(tx, { drill: id, half, ...by });
        const proven = { drill: id, half };
        await events.append(tx, succeeded({ type: 'recovery.half_proven', data: proven }, context));
        const pair = pairOf(halves);
        if (before.length === 0 || pair === undefined) return;
        await passDrill(tx, id, now);
        const data = { drill: id, fingerprint: organizationKeyFingerprint(deps.signer.iss, pair) };
        await events.append(tx, succeeded({ type: 'recovery.drill_passed', data }, context));
      });
      const drill = await database.read((query) => findDrill(query, id));
      if (drill === undefined) throw new CountersignError('recovery_unknown');
      return view(drill);
    },
  };
}

/** Sealed before the transaction is opened. */
async function makeDrill({
  database,
  engine,
  signer,
  clock,
}: BindingDeps): Promise<StoredDrill & { readonly fingerprint: string }> {
  const { generation, halves } = await database.read(async (query) => {
    const current = await findRecoveryKey(query, 'current');
    const pair = current === undefined ? undefined : pairOf(await halvesOf(query, current.generation));
    return { generation: current?.generation ?? 0, halves: pair };
  });
  if (halves === undefined) throw new CountersignError('recovery_half', 'A half is missing.');
  const id = newId();
  const seal = async (half: (typeof halves)[0]) => {
    const random = crypto.getRandomValues(new Uint8Array(32));
    const aad = recoveryDrillContext({ iss: signer.iss, drill: id }, half);
    const box = await sealTo(engine, preFromJwk(engine, half), random, aad);
    return { box: encodeBase64url(box), hash: sha256Base64url(random) };
  };
  const [left, right] = [await seal(halves[0]), await seal(halves[1])];
  const begun = seconds(clock);
  return {
    ...{ id, generation, begun, expires: begun + RECOVERY_DRILL_LIFE_S, passed: null },
    boxes: JSON.stringify([left.box, right.box]),
    hashes: JSON.stringify([left.hash, right.hash]),
    fingerprint: organizationKeyFingerprint(signer.iss, halves),
  };
}
