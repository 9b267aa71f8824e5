import { isIP } from 'node:net';

/** Whether the text is an https origin in its one canonical spelling. */
export function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol === 'https:' && url.origin === text;
}

/** Whether the text is `ip`, `ipv4:port` or `[ipv6]:port`. */
export function isNameServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (parts === null || Number(parts[3]) > 65_535 || Number(parts[3]) === 0) return false;
  return parts[1] === undefined ? isIP(parts[2] ?? '') === 4 : isIP(parts[1]) === 6;
}
