import type { LeftEvent, RekeyUpload } from '../../protocol/meetings/api.ts';
import type { EpochSecret, PreparedRekey } from '../../protocol/meetings/host-tree.ts';
import { randomKey } from '../../protocol/meetings/tree-keys.ts';
import type { OwnStatement } from './admission-statements.ts';
import type { MeetingGroup, SealedEpoch } from './meeting-group.ts';
import type { Arrival } from './reception.ts';

/** A message on its way, with the key that it brings: sealed to the group, or for those alone whom a policy admits. */
export interface Outgoing {
  readonly prepared: PreparedRekey;
  readonly secret: EpochSecret;
  readonly sealed: SealedEpoch | null;
  readonly statement: OwnStatement | null;
  /** By device: those who get a place. */
  readonly arrivals: ReadonlyMap<string, Arrival>;
  readonly left: readonly LeftEvent[];
}

/** For the next epoch. Under an admission policy nothing is sealed to the group: not everybody in it is admitted. */
export async function makeSecret(
  group: MeetingGroup,
  { term, epoch }: { readonly term: number; readonly epoch: number },
  statement: OwnStatement | null,
): Promise<Pick<Outgoing, 'secret' | 'sealed'>> {
  if (statement !== null) {
    return { secret: { key: randomKey(), admission: statement.hash }, sealed: null };
  }
  const sealed = await group.seal({ term, epoch: epoch + 1 });
  return { secret: sealed, sealed };
}

/** What the relay is sent; with the statement where the message before named another one. */
export function uploadOf(
  { prepared: { token, placements }, sealed, statement }: Outgoing,
  isNew: (statement: OwnStatement) => boolean,
): RekeyUpload {
  return {
    token,
    ...(sealed === null ? {} : { sealed_key: { token: sealed.token, encrypted: sealed.encrypted } }),
    ...(statement !== null && isNew(statement) ? { admission: statement.token } : {}),
    placements: [...placements],
  };
}
