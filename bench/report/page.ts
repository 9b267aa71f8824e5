/** What stands between these lines is written by the bench; the text around them by people. */
export const BEGIN = '<!-- bench:begin -->';
export const END = '<!-- bench:end -->';

/** The page with `measured` between its markers. Throws `Error` where the markers are not there once each, in order. */
export function withMeasurements(page: string, measured: string): string {
  const [before, rest, ...moreBegins] = page.split(BEGIN);
  const [, after, ...moreEnds] = (rest ?? '').split(END);
  if (before === undefined || after === undefined || moreBegins.length > 0 || moreEnds.length > 0) {
    throw new Error(`the page needs ${BEGIN} and then ${END}, once each`);
  }
  return `${before}${BEGIN}\n\n${measured.trim()}\n\n${END}${after}`;
}
