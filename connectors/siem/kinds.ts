import { DATADOG } from './datadog.ts';
import { ELASTIC } from './elastic.ts';
import { FILE } from './file.ts';
import { OTLP } from './otlp.ts';
import { S3 } from './s3.ts';
import { SENTINEL } from './sentinel.ts';
import type { SinkKind } from './sink.ts';
import { SPLUNK_HEC } from './splunk-hec.ts';
import { STDOUT } from './stdout.ts';
import { SYSLOG } from './syslog.ts';
import { WEBHOOK } from './webhook.ts';

/** Every kind of sink that there is. */
export const SINK_KINDS: readonly SinkKind[] = [
  SPLUNK_HEC,
  ELASTIC,
  DATADOG,
  SENTINEL,
  S3,
  OTLP,
  SYSLOG,
  FILE,
  STDOUT,
  WEBHOOK,
];

/** `undefined`: there is no such kind. */
export function sinkKind(name: string): SinkKind | undefined {
  return SINK_KINDS.find(({ kind }) => kind === name);
}
