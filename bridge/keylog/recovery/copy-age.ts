import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import type { KeptHead } from '../../tlog/head-file.ts';
import type { HeadAnswer, HeadWitness } from '../../tlog/head-witness.ts';
import { containsHead, type VerifiedCopy } from './verified-copy.ts';

/** What knows of everything that the log has signed. */
export interface HeadKeepers {
  readonly origin: string;
  /** As the head file says; undefined where there is none. */
  readonly kept: KeptHead | undefined;
  /** Whether that file is on another device than the database was (head-file-place.ts). */
  readonly headFileApart: boolean;
  readonly witnesses: readonly HeadWitness[];
  /** How many of them must have cosigned what was handed out. */
  readonly quorum: number;
}

/** Who says that the copy is the newest; `nobody`: there is neither a head file nor a witness that could. */
export type CopyVouchers = 'head file' | 'witnesses' | 'nobody';

/** Somebody shows what the log has signed and the copy does not have. */
export class ContradictedCopy extends Error {
  override readonly name = 'ContradictedCopy';
  /** The note that the log signed. */
  readonly signed: string;
  readonly size: number;

  constructor(witness: string, signed: string, size: number) {
    super(`the witness ${witness} has cosigned another history than the copy’s`);
    this.signed = signed;
    this.size = size;
  }
}

/**
 * Whether the copy has everything that was signed, as the start would ask it of a store (start-doubt.ts). What it lacked
 * would be signed a second time, with other entries.
 *
 * Throws `state_refused` where it is older than the head file or a witness, or another history than the head file's;
 * `unavailable` where too few witnesses answer to say; `ContradictedCopy` where one shows another history.
 */
export async function assertCopyNewest(copy: VerifiedCopy, keepers: HeadKeepers): Promise<CopyVouchers> {
  const { kept, witnesses, quorum } = keepers;
  if (kept !== undefined) assertHas(copy, kept, keepers.origin);
  const answers = await Promise.all(witnesses.map((witness) => isNoNewer(copy, witness)));
  const answered = answers.filter((answer) => answer).length;
  if (kept !== undefined && (keepers.headFileApart || witnesses.length === 0)) return 'head file';
  if (witnesses.length === 0) return 'nobody';
  // any so many have a member in common with any quorum
  const needed = witnesses.length - Math.max(quorum, 1) + 1;
  if (answered >= needed) return 'witnesses';
  throw new CountersignError(
    'unavailable',
    `Whether the copy is the newest is not known: only ${answered} of ${needed} witnesses that must answer have. Make them ` +
      'reachable, or take one that is gone for good out of key_log.witnesses, and run this again.',
  );
}

function assertHas(copy: VerifiedCopy, kept: KeptHead, origin: string): void {
  if (kept.origin !== origin) throw refused(`the head file is of ${kept.origin}, not of ${origin}`);
  const standing = containsHead(copy, kept);
  if (standing === 'beyond') throw older(copy, 'the head file', kept.size);
  if (standing === 'another') {
    throw refused(
      `its first ${kept.size} entries are not those of the head file. Two histories were signed: treat this as a ` +
        'security incident, and keep store, head file and copy',
    );
  }
}

/** Whether it said what it has seen, and that is in the copy. */
async function isNoNewer(copy: VerifiedCopy, witness: HeadWitness): Promise<boolean> {
  let answer: HeadAnswer;
  try {
    answer = await witness.ask({ size: copy.checkpoint.size, note: copy.note });
  } catch (error) {
    if (isCountersignError(error)) return false;
    throw error;
  }
  if (answer.kind === 'says') return answer.size <= copy.checkpoint.size;
  const { checkpoint } = answer;
  const standing = containsHead(copy, checkpoint);
  // what no key of ours has signed is a mere claim, for us and never against us
  if (!checkpoint.signed) return standing === 'contained';
  if (standing === 'beyond') throw older(copy, `the witness ${witness.name}`, checkpoint.size);
  if (standing === 'another') throw new ContradictedCopy(witness.name, checkpoint.note, checkpoint.size);
  return checkpoint.cosigned;
}

function older(copy: VerifiedCopy, keeper: string, size: number): CountersignError {
  return refused(
    `it ends at ${copy.checkpoint.size} entries, and ${keeper} has seen ${size}. Find a newer one`,
  );
}

function refused(what: string): CountersignError {
  return new CountersignError('state_refused', `This copy of the log is of no use here: ${what}.`);
}
