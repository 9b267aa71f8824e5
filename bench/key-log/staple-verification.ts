import { ladderVersions } from '../../protocol/keytrans/ladder.ts';
import type { LogClaim } from '../../protocol/keytrans/log-proof.ts';
import { type Child, startChild } from '../processes/child.ts';
import type { Chapter, Goal } from '../report/chapter.ts';
import { median, shown } from '../report/figures.ts';
import { ENTRIES, type FilledCompany, PEOPLE } from './filled-company.ts';
import type { LogProcess } from './log-process.ts';
import type { VerificationProcess, VerificationTimes } from './verification-process.ts';
import { foundWitnessedCompany, type WitnessedCompany } from './witnessed-company.ts';

const VERSIONS = [0, 1, 3, 10];
/** Of each version, so that no verifier knows it by heart. */
const NAMES = 3;
const ROUNDS = 7;
/** People whose credentials are measured in bytes. */
const SIZED = 1_000;
const WANTED_RATIO = 1.15;
const WANTED_MORE_MS = 2;
const WANTED_GROWTH = 1.6;

/** Medians, in bytes. */
interface Sizes {
  readonly credential: number;
  readonly logProof: number;
}

interface Found {
  readonly times: ReadonlyMap<number, readonly VerificationTimes[]>;
  /** Medians of the log proofs of each version, bytes. */
  readonly proofs: ReadonlyMap<number, number>;
  readonly few: Sizes;
  readonly many: Sizes;
}

/** What a log proof costs a verifier, and how it grows with the log. */
export async function measureStapleVerification(
  say: (line: string) => void,
  filled: FilledCompany,
): Promise<Chapter> {
  const large = await filled.get(say);
  say('staple-verification: credentials of a small company');
  const small = await foundWitnessedCompany(PEOPLE);
  try {
    const few = await withLog(small, (log) => sizesOf(log, small));
    say('staple-verification: versions of new addresses in the large log');
    const { many, claims } = await withLog(large, async (log) => ({
      many: await sizesOf(log, large),
      claims: await claimsOf(log, large),
    }));
    const proofs = new Map(
      [...claims].map(([version, of]) => [version, median(of.map(({ staple }) => staple.length))]),
    );
    return describe({ times: await timesOf(claims, say), proofs, few, many });
  } finally {
    await small.remove();
  }
}

async function withLog<T>(
  company: WitnessedCompany,
  work: (log: Child<LogProcess>) => Promise<T>,
): Promise<T> {
  const log = startChild<LogProcess>('./log-process', import.meta.url);
  try {
    await log.ask('open', company.configPath);
    // from the first addition on, the newest epoch is under a checkpoint that the witness has cosigned
    await log.ask('add', { count: 1, concurrency: 1 });
    return await work(log);
  } finally {
    await log.end();
  }
}

async function sizesOf(log: Child<LogProcess>, { addresses }: WitnessedCompany): Promise<Sizes> {
  const credentials: number[] = [];
  const logProofs: number[] = [];
  for (const address of addresses.slice(0, SIZED)) {
    const credential = await log.ask('credential', address);
    credentials.push(JSON.stringify(credential).length);
    logProofs.push(credential.log_proof?.length ?? Number.NaN);
  }
  return { credential: median(credentials), logProof: median(logProofs) };
}

async function claimsOf(
  log: Child<LogProcess>,
  { witnessKey }: WitnessedCompany,
): Promise<Map<number, LogClaim[]>> {
  const trust = { witnesses: [witnessKey], witnessQuorum: 1, auditors: [], auditorQuorum: 0 };
  const claims = new Map<number, LogClaim[]>();
  for (const version of VERSIONS) {
    const made: LogClaim[] = [];
    for (let name = 0; name < NAMES; name += 1) {
      made.push({ ...(await log.ask('claim', version)), trust, now: Math.floor(Date.now() / 1000) });
    }
    claims.set(version, made);
  }
  return claims;
}

async function timesOf(
  claims: ReadonlyMap<number, LogClaim[]>,
  say: (line: string) => void,
): Promise<Map<number, VerificationTimes[]>> {
  const child = startChild<VerificationProcess>('./verification-process', import.meta.url);
  try {
    const times = new Map<number, VerificationTimes[]>(VERSIONS.map((version) => [version, []]));
    for (const of of claims.values()) await child.ask('verify', of);
    for (let round = 1; round <= ROUNDS; round += 1) {
      say(`staple-verification: round ${round} of ${ROUNDS}`);
      for (const [version, of] of claims) times.get(version)?.push(await child.ask('verify', of));
    }
    return times;
  } finally {
    await child.end();
  }
}

function describe({ times, proofs, few, many }: Found): Chapter {
  const growth = (size: (of: Sizes) => number) => size(many) / size(few);
  const bytes = (count: number | undefined) => Math.round(count ?? Number.NaN).toLocaleString('en-US');
  const entries = ENTRIES.toLocaleString('en-US');
  return {
    title: 'Log proofs',
    text:
      `\`verifyLogStaple\` of ${NAMES} addresses each, in turn with \`vrfVerify\` of the rungs in the same proof: the ` +
      'rest is the checkpoint’s signature and that of the one witness, two inclusions in the tree, one batch of ' +
      `searches in the map, and the commitment. The log has ${entries} entries. Credentials as a look-up answers them, ` +
      `but without attributes, of ${SIZED} people (medians; JSON, before compression).`,
    tables: [
      {
        head: ['version', 'rungs', 'VRF alone ms', 'whole ms', 'more ms', 'log proof bytes'],
        rows: [...times].map(([version, rounds]) => [
          String(version),
          String(ladderVersions(version).length),
          shown(median(rounds.map(({ vrfMs }) => vrfMs))),
          shown(median(rounds.map(({ stapleMs }) => stapleMs))),
          shown(median(rounds.map(({ stapleMs, vrfMs }) => stapleMs - vrfMs))),
          bytes(proofs.get(version)),
        ]),
      },
      {
        head: ['', 'credential, bytes', 'its log proof, bytes'],
        rows: [
          [`a log of ${PEOPLE.toLocaleString('en-US')} versions`, bytes(few.credential), bytes(few.logProof)],
          [`a log of ${entries} entries`, bytes(many.credential), bytes(many.logProof)],
        ],
      },
    ],
    goals: [
      ...[...times].map(([version, rounds]) => timeGoal(version, rounds)),
      {
        name: `Size of a credential with its log proof, at ${entries} entries and at 1,000`,
        wanted: `at most ${WANTED_GROWTH} ×`,
        measured: `${shown(growth(({ credential }) => credential))} × (the log proof alone ${shown(growth(({ logProof }) => logProof))} ×)`,
        met:
          growth(({ credential }) => credential) <= WANTED_GROWTH &&
          growth(({ logProof }) => logProof) <= WANTED_GROWTH,
      },
    ],
  };
}

function timeGoal(version: number, rounds: readonly VerificationTimes[]): Goal {
  const over = median(rounds.map(({ stapleMs, vrfMs }) => stapleMs - WANTED_RATIO * vrfMs));
  const whole = shown(median(rounds.map(({ stapleMs }) => stapleMs)));
  const allowed = shown(median(rounds.map(({ vrfMs }) => WANTED_RATIO * vrfMs + WANTED_MORE_MS)));
  return {
    name: `Verification of the log proof of version ${version}`,
    wanted: `at most ${WANTED_RATIO} × its VRF + ${WANTED_MORE_MS} ms`,
    measured: `${whole} ms, where ${allowed} ms are allowed`,
    met: over <= WANTED_MORE_MS,
  };
}
