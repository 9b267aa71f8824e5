import { CountersignError } from '../../../protocol/errors.ts';
import type { StateFolder } from './state-folder.ts';

/** A state is of one bridge, under one root. Throws `audit_state`, `root_mismatch`. */
export function assertSameBridge(
  { path, record }: StateFolder,
  bridge: string,
  { root, logKey }: { readonly root?: string; readonly logKey?: string },
): void {
  if (record === undefined) return;
  if (record.url !== bridge) {
    throw new CountersignError(
      'audit_state',
      `The state in ${path} is of ${record.url}; name another with --state.`,
    );
  }
  if (logKey === undefined && root !== undefined && record.root !== null && record.root !== root) {
    throw new CountersignError(
      'root_mismatch',
      `The state in ${path} was made under the root ${record.root}.`,
    );
  }
}
