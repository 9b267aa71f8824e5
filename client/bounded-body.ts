import { CountersignError } from '../protocol/errors.ts';

/**
 * The body of an answer, of which no more than `maxBytes` are read. Throws `bridge_invalid` for a longer one,
 * `bridge_unreachable` for one that broke off.
 */
export async function boundedBody({ body }: Response, maxBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(maxBytes);
  let length = 0;
  const reader = body?.getReader();
  try {
    for (;;) {
      const chunk = await reader?.read();
      if (chunk?.value === undefined) return bytes.subarray(0, length);
      if (length + chunk.value.length > maxBytes)
        throw new CountersignError('bridge_invalid', 'the bridge sends too much');
      bytes.set(chunk.value, length);
      length += chunk.value.length;
    }
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('bridge_unreachable', 'the answer broke off', { cause });
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}
