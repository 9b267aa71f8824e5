/** Schemes of `Authorization` (RFC 9110) and common ones beside them: words that are no secret. */
const SCHEME = /^(?:basic|bearer|digest|token|apikey|api-key|splunk)$/i;
const BASIC = /^\s*basic\s+(\S+)\s*$/i;

/**
 * What of a header must not stand in an error: its value, and each part that a receiver may repeat by itself, such as
 * the token behind `Bearer`, or the password within `Basic` (RFC 7617).
 */
export function headerCredentials(value: string): readonly string[] {
  const parts = value.split(/[\s,;="]+/).filter((part) => !SCHEME.test(part));
  return [
    value,
    ...value.split(/\s+/).filter((part) => !SCHEME.test(part)),
    ...parts,
    ...basicCredentials(value),
  ];
}

function basicCredentials(value: string): readonly string[] {
  const [, encoded] = BASIC.exec(value) ?? [];
  if (encoded === undefined) return [];
  const pair = Buffer.from(encoded, 'base64').toString();
  return [pair, pair.slice(pair.indexOf(':') + 1)];
}
