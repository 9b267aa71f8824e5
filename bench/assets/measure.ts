import { startChild } from '../processes/child.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, ratioOfRounds, shown } from '../report/figures.ts';
import type { PassedFile, StreamProcess } from './stream-process.ts';

const ROUNDS = 5;
/** Of the rounds, each in a process of its own; long enough that what is collected only late would show. */
const ROUND_BYTES = 2 ** 29;
const LARGE_BYTES = 5e9;
const WANTED_MB = 250;

interface Round {
  readonly streams: PassedFile;
  readonly primitives: PassedFile;
}

/** Files that are sealed and opened as they pass: in how much memory, and how fast. */
export async function measureAssets(say: (line: string) => void): Promise<Chapter> {
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.push({
      streams: await inNewProcess('pass', ROUND_BYTES),
      primitives: await inNewProcess('primitives', ROUND_BYTES),
    });
  }
  say(`assets: ${ROUNDS} rounds of ${shown(ROUND_BYTES / 1e6)} MB`);
  const large = await inNewProcess('pass', LARGE_BYTES);
  say(`assets: ${shown(LARGE_BYTES / 1e9)} GB in ${shown(large.seconds)} s`);
  return describe(rounds, large);
}

async function inNewProcess(what: 'pass' | 'primitives', bytes: number): Promise<PassedFile> {
  const child = startChild<StreamProcess>('./stream-process', import.meta.url);
  try {
    return await child.ask(what, bytes);
  } finally {
    await child.end();
  }
}

function describe(rounds: readonly Round[], large: PassedFile): Chapter {
  const streams = rounds.map(({ streams }) => streams);
  const primitives = rounds.map(({ primitives }) => primitives);
  const part = ratioOfRounds(streams.map(megabytesPerSecond), primitives.map(megabytesPerSecond));
  const row = (name: string, files: readonly PassedFile[]) => [
    name,
    shown(median(files.map(megabytesPerSecond))),
    shown(median(files.map(({ peakMb }) => peakMb))),
  ];
  const [size, largeSize] = [`${shown(ROUND_BYTES / 1e6)} MB`, `${shown(LARGE_BYTES / 1e9)} GB`];
  return {
    title: 'Large files',
    text:
      `One file is sealed and opened again on its way through one process: read in pieces of 1 MiB, out in pieces of 64 KiB. ` +
      `The primitives are AES-256-GCM and SHA-256 of as many bytes, twice, on one thread with nothing around them. ` +
      `${ROUNDS} rounds by turns, medians; ${largeSize} once. The peak is all of the process, Node.js and the proxy ` +
      're-encryption included.',
    tables: [
      {
        head: ['sealed and opened', 'MB a second', 'peak of resident memory, MB'],
        rows: [
          row(`${size}, streams`, streams),
          row(`${size}, primitives alone`, primitives),
          row(`${largeSize}, streams`, [large]),
        ],
      },
    ],
    goals: [
      {
        name: `Peak of memory while ${largeSize} are sealed and opened`,
        wanted: `less than ${WANTED_MB} MB`,
        measured: `${shown(large.peakMb)} MB (${shown(median(streams.map(({ peakMb }) => peakMb)))} MB with ${size})`,
        met: large.bytes === LARGE_BYTES && large.peakMb < WANTED_MB,
      },
      {
        name: 'Sealing and opening a file: part of the rate of AES-256-GCM and SHA-256 alone',
        wanted: 'reported',
        measured: `${shown(part)} (${shown(median(streams.map(megabytesPerSecond)))} MB/s)`,
        met: null,
      },
    ],
  };
}

function megabytesPerSecond({ bytes, seconds }: PassedFile): number {
  return bytes / 1e6 / seconds;
}
