import { CountersignError } from '../../protocol/errors.ts';

/** One thing that is wrong with the configuration. */
export interface ConfigFault {
  /** The key, as `listen.port`; empty for the file as a whole. */
  path: string;
  message: string;
  /** The line of the file, from 1, where it is known. */
  line?: number;
}

/** `config_invalid`, with everything that is wrong at once. No secret's value is in it. */
export class ConfigError extends CountersignError {
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super('config_invalid', faults.map(describeFault).join('\n'));
    this.faults = faults;
  }
}

/** The fault as one line for a person: `listen.port (line 7): Too big: …`. */
export function describeFault(fault: ConfigFault): string {
  const place = fault.line === undefined ? '' : ` (line ${fault.line})`;
  return `${fault.path === '' ? 'the file' : fault.path}${place}: ${fault.message}`;
}
