import type { StreamReader } from './streamed-events.ts';

/** The first change for this reason that a watch tells; one that began a moment ago may tell of what was before it. */
export async function toldChange(watching: StreamReader, reason: string): Promise<unknown> {
  for (let event = await watching.next(); event !== null; event = await watching.next()) {
    const told: unknown = JSON.parse(event.data);
    if (event.event === 'changed' && (told as { reason?: unknown }).reason === reason) return told;
  }
  throw new Error(`the watch ended without a change that is ${reason}`);
}
