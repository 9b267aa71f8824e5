/**
 * Says which tests are skipped for want of a tool, each reason once. In continuous integration it throws instead: there a
 * tool that is missing would leave untested what everybody takes for tested. What may be skipped there too is listed in
 * CONTRIBUTING.md.
 */
export function requireTools(
  reasons: readonly (string | undefined)[],
  { inCi, warn }: { readonly inCi: boolean; readonly warn: (line: string) => void },
): void {
  const missing = [...new Set(reasons)].filter((reason) => reason !== undefined);
  if (inCi && missing.length > 0) throw new Error(`Nothing is skipped in CI, but ${missing.join('; ')}`);
  for (const reason of missing) warn(`Skipping tests: ${reason}`);
}
