import * as z from 'zod';

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const VALUE = /^[\x20-\x7e]{1,4096}$/;
/** What the sink or the connection says itself. */
const OURS =
  /^(host|connection|content-.*|transfer-encoding|accept-encoding|webhook-.*|expect|upgrade|te|trailer)$/i;

/**
 * Headers that a receiver wants beside ours, as OTEL_EXPORTER_OTLP_HEADERS has them: `name=value,name=value`, values
 * percent-encoded where they hold a comma or a space.
 */
export const extraHeaders = z
  .string()
  .max(8_192)
  .refine(
    (text) => parseExtraHeaders(text) !== undefined,
    'must be name=value,name=value, of other names than ours',
  );

/** `undefined`: not in this form. */
export function parseExtraHeaders(text: string): Record<string, string> | undefined {
  const pairs = text.split(',').map((pair): [string, string] | undefined => {
    const [, name = '', encoded = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    const value = decoded(encoded);
    if (!NAME.test(name) || OURS.test(name) || value === undefined || !VALUE.test(value)) return undefined;
    return [name.toLowerCase(), value];
  });
  const whole = pairs.filter((pair) => pair !== undefined);
  if (whole.length !== pairs.length || new Set(whole.map(([name]) => name)).size !== whole.length) {
    return undefined;
  }
  return Object.fromEntries(whole);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
