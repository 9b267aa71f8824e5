import type { DataKind } from '../../protocol/recipients/data-kind.ts';
import { dataKindSchema } from '../../protocol/recipients/data-kind.ts';
import { TRIAL_DATA_WORDS } from '../lib/limits.ts';
import { appliesToAction } from '../policy/engine/attributes-read.ts';
import type { NamedPolicy } from '../policy/engine/cedar-parse.ts';

/** A word that stands for all those that no policy compares with. */
const OTHER = 'other';

/** What can be told apart of data by policies that compare its category and sensitivity with words of theirs. */
export interface ComparedData {
  readonly kinds: readonly DataKind[];
  /** Words that there was no room for. */
  readonly left: number;
}

/** Each word in each place, since which belongs where is only known to the policies; and one that none of them names. */
export function comparedData(policies: readonly NamedPolicy[]): ComparedData {
  const about = policies.filter(({ json }) => ABOUT_DATA.some((action) => appliesToAction(json, action)));
  const found = [...new Set(about.flatMap(({ json }) => valuesIn(json.conditions)))].filter(isWord);
  const words = [OTHER, ...found.slice(0, TRIAL_DATA_WORDS)];
  return {
    kinds: words.flatMap((category) => words.map((sensitivity) => ({ category, sensitivity }))),
    left: Math.max(0, found.length - TRIAL_DATA_WORDS),
  };
}

const ABOUT_DATA = ['resolve-recipients', 'receive'] as const;

function isWord(text: string): boolean {
  return dataKindSchema.shape.category.safeParse(text).success;
}

/** Every text that an expression in Cedar's JSON form has as a value. */
function valuesIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) =>
    (name === 'Value' || name === 'Literal') && typeof value === 'string' ? [value] : valuesIn(value),
  );
}
