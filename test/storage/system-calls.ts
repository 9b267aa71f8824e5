/** One system call of a trace made with `strace -f -y`, when it returned. */
export interface SystemCall {
  readonly name: string;
  /** Its arguments as printed: with `-y`, each descriptor with what it is open on. */
  readonly arguments: string;
  readonly failed: boolean;
}

const COMPLETE = /^(?<pid>\d+) +(?<name>\w+)\((?<args>.*)\) += (?<result>-?\d+)/;
const UNFINISHED = /^(?<pid>\d+) +(?<name>\w+)\((?<args>.*) <unfinished \.\.\.>$/;
const RESUMED = /^(?<pid>\d+) +<\.\.\. (?<name>\w+) resumed>(?<args>.*)\) += (?<result>-?\d+)/;

/** The calls of a trace in the order in which they returned; a call that another thread interrupted is one call. */
export function parseTrace(trace: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const begun = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const { groups } = COMPLETE.exec(line) ?? UNFINISHED.exec(line) ?? RESUMED.exec(line) ?? {};
    const { pid, name, args, result } = groups ?? {};
    if (pid === undefined || name === undefined || args === undefined) {
      continue;
    }
    if (result === undefined) {
      begun.set(pid, args);
      continue;
    }
    const before = line.includes(' resumed>') ? (begun.get(pid) ?? '') : '';
    calls.push({ name, arguments: before + args, failed: result.startsWith('-') });
  }
  return calls;
}
