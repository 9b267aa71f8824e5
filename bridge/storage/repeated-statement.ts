import type { Compilable, CompiledQuery, DialectAdapter } from 'kysely';
import type { Transaction } from './database.ts';
import { fault } from './driver.ts';
import type { Storable } from './values.ts';

type Row<R> = { readonly [Column in keyof R]: Storable };

/** Rows that one statement takes. Few lengths, so that each is written, and prepared by the store, once. */
const LENGTHS = [64, 32, 16, 8, 4, 2, 1];

/**
 * A statement over many rows that runs often: writing one takes much longer than running it, so it is written once for
 * each of a few lengths and then runs with other values. Answers how many rows were changed.
 *
 * @param build - must depend on nothing but the rows, and give each of their values to the statement as it is
 */
export function repeatedStatement<R extends Row<R> & object>(
  build: (tx: Transaction, rows: R[]) => Compilable,
): (tx: Transaction, rows: readonly R[]) => Promise<number> {
  const written = new WeakMap<DialectAdapter, Map<number, Written>>();

  function statementFor(tx: Transaction, row: R, length: number): Written {
    const { adapter } = tx.getExecutor();
    const known = written.get(adapter) ?? new Map<number, Written>();
    written.set(adapter, known);
    const statement = known.get(length) ?? write(build, tx, Object.keys(row), length);
    known.set(length, statement);
    return statement;
  }

  return async (tx, rows) => {
    let changed = 0n;
    for (let start = 0; start < rows.length; ) {
      const length = LENGTHS.find((most) => most <= rows.length - start) ?? 1;
      const part = rows.slice(start, start + length);
      const [first] = part;
      if (first === undefined) break;
      const { query, places } = statementFor(tx, first, length);
      const parameters = places.map(({ index, column }) => part[index]?.[column as keyof R]);
      const { numAffectedRows = 0n } = await tx.executeQuery({ ...query, parameters });
      changed += numAffectedRows;
      start += length;
    }
    return Number(changed);
  };
}

interface Written {
  readonly query: CompiledQuery;
  /** Which value of which row each parameter is. */
  readonly places: readonly Place[];
}

interface Place {
  readonly index: number;
  readonly column: string;
}

/** Writes it over rows whose values are marks, to see where each value goes. */
function write<R>(
  build: (tx: Transaction, rows: R[]) => Compilable,
  tx: Transaction,
  columns: readonly string[],
  length: number,
): Written {
  const marks = new Map<unknown, Place>();
  const rows = Array.from({ length }, (_, index) =>
    Object.fromEntries(
      columns.map((column) => {
        const mark = `${index} ${column}`;
        marks.set(mark, { index, column });
        return [column, mark];
      }),
    ),
  );
  const query = build(tx, rows as unknown as R[]).compile();
  const places = query.parameters.map((parameter) => {
    const place = marks.get(parameter);
    if (place === undefined) throw fault('a repeated statement has a value that is of no row');
    return place;
  });
  return { query, places };
}
