import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FILE } from '../../../connectors/siem/file.ts';
import { createFormatter } from '../../../connectors/siem/formats/create-formatter.ts';
import type { FormatName } from '../../../connectors/siem/formats/formatter.ts';
import type { Sink } from '../../../connectors/siem/sink.ts';
import { syslogDeps } from '../syslog/syslog-fixture.ts';

/** A folder of its own, with the file of a sink in it. */
export interface FileFolder {
  readonly folder: string;
  readonly path: string;
  /** With a clock that stands at `now`, milliseconds, by default the machine's; files may be in `folders`, by default this. */
  open(
    given?: Record<string, unknown>,
    options?: { format?: FormatName; now?: () => number; folders?: readonly string[] },
  ): Sink;
  /** Names in the folder, sorted. */
  names(): Promise<string[]>;
  /** Lines of all files, those put aside first. */
  lines(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function makeFileFolder(at = tmpdir()): Promise<FileFolder> {
  const folder = await mkdtemp(join(at, 'countersign-file-sink-'));
  const path = join(folder, 'events.ndjson');
  const names = async () => (await readdir(folder)).toSorted();
  return {
    ...{ folder, path, names },
    open(given = {}, { format = 'plain', now = Date.now, folders = [folder] } = {}) {
      const origin = { iss: 'https://bridge.acme.example', organization: 'Acme', version: '1.2.3' };
      const formatter = createFormatter(format, origin);
      return FILE.open(FILE.settings.parse({ path, ...given }), {
        ...syslogDeps(),
        fileFolders: folders,
        clock: { now },
        formatter,
      });
    },
    async lines() {
      const [current, ...aside] = await names();
      const files = current === undefined ? [] : [...aside, current];
      const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
      return texts.join('').split('\n').slice(0, -1);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** `seq`s of plain lines. */
export function seqsOf(lines: readonly string[]): number[] {
  return lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
}
