import * as z from 'zod/mini';
import { CountersignError } from './errors.ts';

/** Label, and change, of what a bridge that recovered a lost store wrote behind versions of a name that nobody has any more. */
export const LOST = 'lost-versions';

const markerSchema = z.looseObject({ from: z.int(), to: z.int() });

interface Version {
  readonly name: string;
  readonly version: number;
}

/** Versions that a bridge says are lost, and whether its log says so behind them: they must all be told of. */
export class LostVersions {
  #unexplained: Version[] = [];

  claim({ name, version }: Version): void {
    this.#unexplained.push({ name, version });
  }

  /**
   * A marker tells of those right before it; one that is not in the log yet (`logged` is null) is no more than a claim.
   * Throws `log_proof` for one that tells of others.
   */
  explain(
    said: Version & { readonly change: string | null; readonly value: unknown; readonly logged: unknown },
  ) {
    if (said.change !== LOST || said.logged === null) return;
    const { name, version } = said;
    const marker = markerSchema.safeParse(said.value).data;
    if (marker?.to !== version - 1) throw refused(said, 'tells of others than those before it');
    this.#unexplained = this.#unexplained.filter((each) => each.name !== name || each.version < marker.from);
  }

  /** Throws `log_proof`. */
  assertExplained(): void {
    const [first] = this.#unexplained;
    if (first !== undefined) throw refused(first, 'is lost by the bridge’s word alone');
  }
}

function refused({ name, version }: Version, what: string): CountersignError {
  return new CountersignError('log_proof', `version ${version} of ${name} ${what}`);
}
