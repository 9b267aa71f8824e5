/** Base64 with padding (RFC 4648 §4), as signed notes write it; everything else of ours is base64url. */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * The bytes of a base64 text, or `undefined` unless it is the one canonical text of these bytes (and of `length`
 * bytes, where that is given).
 */
export function decodeBase64(text: string, length?: number): Uint8Array | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  if (length !== undefined && bytes.length !== length) return undefined;
  // atob passes over spaces, missing padding and the bits that stand for nothing.
  return encodeBase64(bytes) === text ? bytes : undefined;
}
