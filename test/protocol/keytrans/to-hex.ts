/** Bytes as hexadecimal text, which a failing test can show. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
