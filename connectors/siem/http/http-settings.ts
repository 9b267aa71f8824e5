import * as z from 'zod';
import { URL_LENGTH } from '../../../bridge/lib/limits.ts';

/** Where a receiver is. What follows in its path, each sink appends. */
export const receiverUrl = z
  .url({ protocol: /^https$/, error: 'must be an https URL' })
  .max(URL_LENGTH)
  .refine((url) => {
    if (!URL.canParse(url)) return false;
    const { username, password, hash } = new URL(url);
    return username === '' && password === '' && hash === '';
  }, 'must have neither credentials nor a fragment');

/** A credential that travels in a header as it is. */
export const headerSecret = z
  .string()
  .min(1)
  .max(4_096)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

/** A name, label or path that stands in a body or a URL. */
export const shortText = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}]+$/u, 'must not have control characters');

/** `base` with a path appended, whether or not it ends in a slash. */
export function urlUnder(base: string, path: string): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  return url;
}
