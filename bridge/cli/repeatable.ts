/** For options that may be given several times: `.option('--domain <domain>', '…', repeatable)`. */
export function repeatable(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
