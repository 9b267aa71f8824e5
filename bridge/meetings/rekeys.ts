import { CountersignError } from '../../protocol/errors.ts';
import type { Placement, RekeyUpload } from '../../protocol/meetings/api.ts';
import { placementHash } from '../../protocol/meetings/placement.ts';
import {
  claimedRekey,
  type Rekey,
  type RekeyMessage,
  verifyRekey,
} from '../../protocol/meetings/rekey-message.ts';
import { readAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { askingPerson } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import { deleteEarlierEpochs } from '../groups/sealed-key-store.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Decide } from '../policy/decision.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { admissionAfter } from './admission-statements.ts';
import { attendanceOf, requireAttendance } from './attendance.ts';
import type { MeetingChanges } from './meeting-changes.ts';
import { appendMessages, findMeeting, findRekeyOf, type Meeting, type NewMessage } from './meeting-store.ts';
import { changePlaces } from './place-store.ts';

/** A sealed key that was checked, to be stored in the transaction of the message that it belongs to. */
export interface CheckedSealedKey {
  readonly claims: {
    readonly key_id: string;
    readonly commitment: string;
    readonly term: number | null;
    readonly epoch: number | null;
  };
  store(tx: Transaction, context: RequestContext): Promise<void>;
}

/** Verifies a key that this device sealed to a group kept here, before anything is stored. */
export type CheckSealedKey = (
  who: Holder,
  group: string,
  sealed: NonNullable<RekeyUpload['sealed_key']>,
) => Promise<CheckedSealedKey>;

/**
 * Takes a host's rekey message (PROTOCOL §11) behind the newest one, with the key sealed for it and the placements of
 * newcomers; answers its number. The same message again is answered as the first time.
 *
 * Throws `conflict` for one that does not follow the newest (compare-and-swap on term, epoch and `prev`),
 * `rekey_sender` for a device that is not the host of the term, `group_not_admin`, `rekey_mismatch` for a sealed key or
 * placements of another message, `group_unknown`, `group_ended`, `device_not_endorsed`, and what verifying throws.
 */
export type PostRekey = (who: Holder, upload: RekeyUpload, context: RequestContext) => Promise<number>;

export interface RekeysDeps {
  readonly iss: string;
  readonly database: Database;
  readonly changes: MeetingChanges;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly decide: Decide;
  readonly checkSealedKey: CheckSealedKey;
}

export function createPostRekey(deps: RekeysDeps): PostRekey {
  const { iss, database, changes, events, clock } = deps;

  /** Only an admin's endorsed device may send, whatever a token says. */
  async function requireSender(reader: Reader, who: Holder, group: string) {
    const { device } = await readAccess(reader, who);
    const attendee = { iss, sub: who.sub, via: [] };
    const attendance = await attendanceOf(reader, group, attendee, { iss, now: seconds(clock) });
    requireAttendance(deps.decide, askingPerson(who, clock), attendance);
    const { role } = attendance;
    if (role !== 'admin') throw new CountersignError('group_not_admin');
    return device.keys[1];
  }

  async function store(
    tx: Transaction,
    meeting: Meeting,
    { claims, hash, device }: RekeyMessage,
    upload: RekeyUpload,
    admission: string | null,
  ): Promise<Meeting> {
    const { term, epoch, change, sub } = claims;
    const told = admission === meeting.admission ? {} : { admission };
    const rekey = { kind: 'rekey', epoch, body: JSON.stringify({ token: upload.token, ...told }) } as const;
    const placements = upload.placements.map(
      ({ iss: home, device_id: deviceId, box }): NewMessage => ({
        ...{ kind: 'placement', iss: home, deviceId, body: JSON.stringify({ rekey: hash, box }) },
      }),
    );
    const after = await appendMessages(tx, meeting, [rekey, ...placements], {
      ...{ term, epoch, head: hash, rekey: upload.token, admission, host_sub: sub, host_device: device },
    });
    await changePlaces(tx, claims.group, change, term !== meeting.term);
    return after;
  }

  async function report(
    tx: Transaction,
    before: Meeting,
    { claims: { group, term, epoch, change }, device }: RekeyMessage,
    who: Holder,
    context: RequestContext,
  ): Promise<void> {
    const subject = { group, sub: who.sub, device };
    if (before.term !== 0 && before.term !== term) {
      const previous = before.host_device === null ? {} : { previous: before.host_device };
      const data = { term, epoch, ...previous };
      await events.append(tx, succeeded({ type: 'meeting.taken_over', subject, data }, context));
    }
    const data = { term, epoch, joined: change.joined.length, left: change.left.length };
    await events.append(tx, succeeded({ type: 'meeting.rekeyed', subject, data }, context));
  }

  return async (who, upload, context) => {
    const { group } = claimedRekey(upload.token).claims;
    const key = await database.read((query) => requireSender(query, who, group));
    const sender = { iss, sub: who.sub, key };
    const message = await verifyRekey(upload.token, sender);
    assertPlacements(message.claims, upload.placements);
    const repeated = await database.read((query) => seqOfNewest(query, message));
    if (repeated !== undefined) return repeated;
    const sealed =
      upload.sealed_key === undefined ? null : await deps.checkSealedKey(who, group, upload.sealed_key);
    assertSealed(message.claims, sealed?.claims);
    return changes.apply(group, async (tx, meeting) => {
      await requireSender(tx, who, group);
      const same = await seqOfNewest(tx, message);
      if (same !== undefined) return { meeting, result: same };
      assertNext(meeting, message);
      const admission = await admissionAfter(meeting, message, sender, upload.admission);
      await sealed?.store(tx, context);
      await deleteEarlierEpochs(tx, group, message.claims.epoch);
      await report(tx, meeting, message, who, context);
      const after = await store(tx, meeting, message, upload, admission);
      return { meeting: after, result: meeting.seq + 1 };
    });
  };
}

/** The number of this message, if it is the newest already. */
async function seqOfNewest(reader: Reader, { claims, hash }: RekeyMessage): Promise<number | undefined> {
  const meeting = await findMeeting(reader, claims.group);
  if (meeting?.head !== hash) return undefined;
  return (await findRekeyOf(reader, claims.group, claims.epoch))?.seq;
}

/**
 * One sender a term, no gap, no repeat; the next term begins behind the newest message of the one before. Which of two
 * that follow the same message counts is decided here, by who comes first; that it does follow, every member checks.
 */
function assertNext(meeting: Meeting, { claims, device }: RekeyMessage): void {
  const { term, epoch, prev } = claims;
  if (prev !== meeting.head || epoch !== meeting.epoch + 1) {
    throw new CountersignError('conflict', 'Another message of the meeting is the newest.');
  }
  const continues = term === meeting.term;
  if (!continues && term !== meeting.term + 1) {
    throw new CountersignError('conflict', 'This is not the next term of the meeting.');
  }
  if (continues && device !== meeting.host_device) {
    throw new CountersignError('rekey_sender', 'Another device is the host of this term.');
  }
}

/** Each newcomer gets the very box that the message names, and nobody else gets one. Throws `rekey_mismatch`. */
function assertPlacements({ change }: Rekey, placements: readonly Placement[]): void {
  const wanted = change.joined.map(({ iss, device_id, placement }) => `${iss} ${device_id} ${placement}`);
  const given = placements.map(({ iss, device_id, box }) => `${iss} ${device_id} ${placementHash(box)}`);
  if (JSON.stringify(wanted.sort()) !== JSON.stringify(given.sort())) {
    throw new CountersignError('rekey_mismatch', 'The placements are not those that the message names.');
  }
}

/** Under an admission policy nothing is sealed to the group, without one the very key that the message names. */
function assertSealed(message: Rekey, sealed: CheckedSealedKey['claims'] | undefined): void {
  const { key_id, commitment, term, epoch } = message;
  const same =
    sealed === undefined
      ? key_id === null
      : sealed.key_id === key_id &&
        sealed.commitment === commitment &&
        sealed.term === term &&
        sealed.epoch === epoch;
  if (!same) throw new CountersignError('rekey_mismatch', 'The sealed key is not that of the message.');
}
