import { encodeVersionProof } from '../../protocol/keytrans/version-proof-format.ts';
import type { Query } from '../storage/database.ts';
import { inclusionProof } from '../tlog/log-tree.ts';
import type { Anchor } from './anchors.ts';
import { readRungs, type VersionName } from './rungs.ts';

/** What is stored of a version's own entry. */
export interface VersionEntryParts {
  readonly position: number;
  readonly epoch: number;
  readonly opening: Uint8Array;
  readonly vrfProof: Uint8Array;
}

/** `undefined` for one that is staged, forgotten, or was never logged. */
export async function findEntry(query: Query, name: VersionName): Promise<VersionEntryParts | undefined> {
  const row = await query
    .selectFrom('logged_versions')
    .select(['position', 'epoch', 'opening'])
    .where('kind', '=', name.kind)
    .where('name', '=', name.name)
    .where('version', '=', name.version)
    .executeTakeFirst();
  if (row === undefined || row.position === null || row.epoch === null || row.opening === null)
    return undefined;
  // each version was a rung of its own ladder when it was the newest
  const rung = (await readRungs(query, name, [name.version])).get(name.version);
  if (rung === undefined) return undefined;
  return { position: row.position, epoch: row.epoch, opening: row.opening, vrfProof: rung.proof };
}

/** The proof as text. The entry must be in the anchor's tree. */
export async function proveEntry(
  query: Query,
  { position, opening, vrfProof }: VersionEntryParts,
  anchor: Anchor,
  vrfPublicKey: Uint8Array,
): Promise<string> {
  return encodeVersionProof({
    ...{ index: position, inclusion: await inclusionProof(query, 'keys', position, anchor.epoch.size) },
    ...{ checkpoint: anchor.checkpoint, epochEntry: anchor.epochEntry },
    ...{ epochInclusion: anchor.epochInclusion, startInclusion: anchor.startInclusion },
    ...{ vrfPublicKey, opening, vrfProof },
  });
}
