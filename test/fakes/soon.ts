/**
 * How long a test waits for what happens by itself, in milliseconds: for `vi.waitFor`, `vi.waitUntil` and `expect.poll`,
 * which give up after one second where they are told nothing. It costs nothing where the thing happens, and machines
 * stall for longer than that. (test/waits.test.ts asks for it.)
 */
export const SOON = { timeout: 30_000 };
