import { CountersignError } from '../errors.ts';
import { VERSION_LIMIT } from './label.ts';

/**
 * The versions that a look-up shows when `greatest` is the newest (KEYTRANS, full binary ladder), in the order in which
 * they are looked up: 0, 1, 3, 7, … to the first above `greatest`, then halving between the last that is there and the
 * first that is not. 0: {0, 1}; 2: {0, 1, 3, 2}. Two bridges' worth of people who are shown different newest versions
 * share a rung that one of them sees as present and the other as absent. Throws `claims_invalid`.
 */
export function ladderVersions(greatest: number): number[] {
  return climb(greatest).map(({ version }) => version);
}

/**
 * The rungs of `version`'s ladder that the ladder of no lower version has: what is newly to be proven when the version
 * is added.
 */
export function newRungs(version: number): number[] {
  return climb(version)
    .filter((rung) => rung.above === version || rung.version === 0)
    .filter((rung) => rung.version !== 0 || version === 0)
    .map((rung) => rung.version);
}

interface Rung {
  readonly version: number;
  /** The greatest version known to be there when this one is looked up: no lower ladder comes here. */
  readonly above: number;
}

function climb(greatest: number): Rung[] {
  if (!Number.isInteger(greatest) || greatest < 0 || greatest >= VERSION_LIMIT) {
    throw new CountersignError('claims_invalid', 'a version is a whole number of 32 bits, below the last');
  }
  const rungs: Rung[] = [{ version: 0, above: 0 }];
  let there = 0;
  let absent = 1;
  for (; ; absent = absent * 2 + 1) {
    rungs.push({ version: absent, above: there });
    if (absent > greatest) break;
    there = absent;
  }
  while (there + 1 < absent) {
    const version = Math.floor((there + absent) / 2);
    rungs.push({ version, above: there });
    if (version <= greatest) there = version;
    else absent = version;
  }
  return rungs;
}
