import type { SinkKind } from './sink.ts';
import { SYSLOG } from './syslog.ts';
import { WEBHOOK } from './webhook.ts';

/** Every kind of sink that there is. */
export const SINK_KINDS: readonly SinkKind[] = [SYSLOG, WEBHOOK];

/** `undefined`: there is no such kind. */
export function sinkKind(name: string): SinkKind | undefined {
  return SINK_KINDS.find(({ kind }) => kind === name);
}
