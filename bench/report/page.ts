/** What stands between these lines is written by the bench; the text around them by people. */
export const BEGIN = '<!-- bench:begin -->';
export const END = '<!-- bench:end -->';

/** Two lines of the page. */
export interface Markers {
  readonly begin: string;
  readonly end: string;
}

/** Where a part stands that is measured alone: other runs leave it as it is. */
export function markersOf(part: string): Markers {
  return { begin: `<!-- bench:${part}:begin -->`, end: `<!-- bench:${part}:end -->` };
}

/** The page with `measured` between its markers. Throws `Error` where the markers are not there once each, in order. */
export function withMeasurements(
  page: string,
  measured: string,
  { begin, end }: Markers = { begin: BEGIN, end: END },
): string {
  const [before, rest, ...moreBegins] = page.split(begin);
  const [, after, ...moreEnds] = (rest ?? '').split(end);
  if (before === undefined || after === undefined || moreBegins.length > 0 || moreEnds.length > 0) {
    throw new Error(`the page needs ${begin} and then ${end}, once each`);
  }
  return `${before}${begin}\n\n${measured.trim()}\n\n${end}${after}`;
}
