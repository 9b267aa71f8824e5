import { POLICY_LEVELS, POLICY_OPERATORS } from '../../lib/limits.ts';

/** What is nested more than Cedar may be given, and where in the text that was seen. */
export interface TooNested {
  readonly index: number;
  readonly what: string;
}

/** Strings and comments first: what stands in them is no syntax. As in Cedar, no string goes on after an escaped line feed. */
const TOKENS = /"(?:\\.|[^"\\])*"|\/\/[^\n\r]*|[A-Za-z_]\w*|[([{}\])<>,;]|&&|\|\||[=!<>]=|[-+*%!.]/g;
const OPERATORS = new Set([
  ...['&&', '||', '==', '!=', '<=', '>=', '<', '>', '+', '-', '*', '%', '!', '.'],
  ...['has', 'like', 'in', 'is', 'when', 'unless'],
]);

/** Words, strings, brackets, operators and commas of a text of Cedar, and its comments: what reading it takes time for. */
export function countTokens(text: string): number {
  return text.match(TOKENS)?.length ?? 0;
}

/**
 * Looks how deeply policies, or a schema, nest, in one pass that itself nests nothing: Cedar goes down into what it reads
 * with no bound but its memory, and is of no use any more once that was too little. A text that does not parse is looked
 * at like any other; it counts rather too much than too little.
 */
export function findTooNested(text: string): TooNested | undefined {
  let open = createBracket(undefined);
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    if ('([{'.includes(token)) open = createBracket(open);
    else if (')]}'.includes(token)) open = close(open);
    else if (token === ',' || token === ';') endPart(open);
    else if (token === 'if') open.ifs += 1;
    else if (OPERATORS.has(token)) open.operators += 1;
    const what = excessOf(open);
    if (what !== undefined) return { index, what };
  }
  return undefined;
}

/** What was met since it opened, in the part since its last comma or semicolon: parts do not contain each other. */
interface Bracket {
  readonly outer: Bracket | undefined;
  /** Those that are open around it. */
  readonly height: number;
  ifs: number;
  /** Operators, members and conditions: each of those that follow each other contains the one before. */
  operators: number;
  /** The most that is in one of the brackets of this part. */
  innerLevels: number;
  innerOperators: number;
  /** The most of the parts that have ended. */
  levelsBefore: number;
  operatorsBefore: number;
}

function createBracket(outer: Bracket | undefined): Bracket {
  return {
    outer,
    height: outer === undefined ? 0 : outer.height + 1,
    ifs: 0,
    operators: 0,
    innerLevels: 0,
    innerOperators: 0,
    levelsBefore: 0,
    operatorsBefore: 0,
  };
}

const levelsOf = ({ ifs, innerLevels }: Bracket) => ifs + innerLevels;
const operatorsOf = ({ operators, innerOperators }: Bracket) => operators + innerOperators;

function endPart(bracket: Bracket): void {
  bracket.levelsBefore = Math.max(bracket.levelsBefore, levelsOf(bracket));
  bracket.operatorsBefore = Math.max(bracket.operatorsBefore, operatorsOf(bracket));
  bracket.ifs = 0;
  bracket.operators = 0;
  bracket.innerLevels = 0;
  bracket.innerOperators = 0;
}

/** The one around it. Where there is none the text does not parse, and only what precedes could. */
function close(bracket: Bracket): Bracket {
  endPart(bracket);
  const { outer, levelsBefore, operatorsBefore } = bracket;
  if (outer === undefined) return bracket;
  outer.innerLevels = Math.max(outer.innerLevels, levelsBefore + 1);
  outer.innerOperators = Math.max(outer.innerOperators, operatorsBefore);
  return outer;
}

function excessOf(open: Bracket): string | undefined {
  if (Math.max(levelsOf(open), open.height) > POLICY_LEVELS) {
    return `brackets and \`if\`s are nested more than ${POLICY_LEVELS} deep`;
  }
  if (operatorsOf(open) > POLICY_OPERATORS) {
    return `more than ${POLICY_OPERATORS} operators contain each other`;
  }
  return undefined;
}
