/** Rows of one statement at most: a few thousand parameters, which both databases take. */
const LARGEST = 128;

/**
 * Parts rows so that statements come in eight sizes only, whatever the number of rows: each size is a statement of its
 * own that the database prepares and keeps.
 */
export function* inStatements<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; ) {
    let size = LARGEST;
    while (size > rows.length - start) size /= 2;
    yield rows.slice(start, start + size);
    start += size;
  }
}

/** The same for a list that is searched for: filled up with its last member, which changes nothing. */
export function* inSearches(values: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < values.length; start += LARGEST) {
    const part = values.slice(start, start + LARGEST);
    let size = 1;
    while (size < part.length) size *= 2;
    yield [...part, ...new Array<string>(size - part.length).fill(part.at(-1) ?? '')];
  }
}
