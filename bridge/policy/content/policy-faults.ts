import { CountersignError } from '../../../protocol/errors.ts';

/** What is wrong with a policy, and where. */
export interface PolicyFault {
  readonly file: string;
  /** The first of a file is 1. */
  readonly line?: number | undefined;
  /** The `@id` of the policy that it is in. */
  readonly policy?: string | undefined;
  readonly what: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
}

/** The cause of `policy_invalid`: every fault that was found. */
export class PolicyFaults extends Error {
  override readonly name = 'PolicyFaults';
  readonly faults: readonly PolicyFault[];

  constructor(faults: readonly PolicyFault[]) {
    super(faults.map(describeFault).join('\n'));
    this.faults = faults;
  }
}

/** `file:line: policy “id”: what. What to do.` */
export function describeFault({ file, line, policy, what, remedy }: PolicyFault): string {
  const place = line === undefined ? file : `${file}:${line}`;
  const named = policy === undefined ? '' : ` policy “${policy}”:`;
  return `${place}:${named} ${what}${remedy === undefined ? '' : `. ${remedy}`}`;
}

/** `policy_invalid`, with every fault in its detail, a line each. */
export function faultsOf(faults: readonly PolicyFault[]): CountersignError {
  const cause = new PolicyFaults(faults);
  return new CountersignError('policy_invalid', cause.message, { cause });
}
