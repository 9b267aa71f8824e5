import { type CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { ClientParts } from '../own-account.ts';
import { rotateIfDue } from '../rotation.ts';
import type { RotationOptions } from '../rotation-answers.ts';
import { pause } from '../waiting.ts';
import { actingDevice } from './acting.ts';
import type { GroupRotations, KeysTended, TendOptions } from './groups.ts';
import { listGroups } from './list-members.ts';
import { rotateGroupFrom } from './renew-group.ts';

const DAY_MS = 86_400_000;

/**
 * Rotates each group that the bridge calls due to this person as its admin. One that does not verify keeps no other back;
 * one that another admin has rotated meanwhile is left as it is.
 */
export async function rotateDueGroups(parts: ClientParts): Promise<GroupRotations> {
  const due = (await listGroups(parts)).flatMap(({ rotationDueVersion: version, ...group }) =>
    version === null ? [] : [{ ...group, version }],
  );
  const done: { rotated: GroupRotations['rotated'][number][]; failed: GroupRotations['failed'][number][] } = {
    ...{ rotated: [], failed: [] },
  };
  if (due.length === 0) return done;
  const { statement } = await actingDevice(parts);
  for (const { iss, group, label, version } of due) {
    try {
      // The person themselves is the admin whom a device expects that has not met the group yet.
      await rotateGroupFrom(parts, { iss, group, expected: statement.address }, version);
      done.rotated.push({ iss, group, label });
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      done.failed.push({ iss, group, label, error });
    }
  }
  return done;
}

/** At once, and then once a day: the person's own keys, then the groups'. What fails is told, and tried again the next day. */
export async function tendKeys(
  parts: ClientParts,
  { signal, onTended, everyMs = DAY_MS, ...rotation }: TendOptions,
): Promise<void> {
  while (!signal.aborted) {
    onTended?.(await tendOnce(parts, rotation));
    await pause(everyMs, signal).catch(() => undefined);
  }
}

async function tendOnce(parts: ClientParts, rotation: RotationOptions): Promise<KeysTended> {
  const problems: CountersignError[] = [];
  const attempt = async <Result>(work: () => Promise<Result>, otherwise: Result): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      problems.push(error);
      return otherwise;
    }
  };
  const asks = (rotation.confirmDevices ?? parts.context.confirmDevices) !== null;
  const own = asks && (await attempt(() => rotateIfDue(parts, rotation), false));
  const groups = await attempt(() => rotateDueGroups(parts), { rotated: [], failed: [] });
  return { own, ...groups, problems };
}
