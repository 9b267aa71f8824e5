import { cpus, loadavg, release, totalmem } from 'node:os';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { Table } from './chapter.ts';
import { shown } from './figures.ts';

/** The machine and the moment, without which no figure means anything. Read before the bench loads the machine. */
export async function readConditions(): Promise<Table> {
  const engine = await loadTransformEngine();
  const processors = cpus();
  const [lastMinute = 0] = loadavg();
  return {
    head: ['', ''],
    rows: [
      ['Date', `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`],
      ['Processor', `${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} cores`],
      ['Memory', `${shown(totalmem() / 2 ** 30)} GiB`],
      ['System', `${process.platform} ${release()} ${process.arch}`],
      ['Node.js', `${process.version} (V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl})`],
      ['Proxy re-encryption', `${engine.name} ${engine.version}`],
      ['Others’ load at the start', `${shown(lastMinute)} (mean of processes that want a core, last minute)`],
    ],
  };
}
