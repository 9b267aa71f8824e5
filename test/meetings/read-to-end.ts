import type { MeetingBridge } from './meeting-bridges.ts';

/**
 * Resolves when the bridge, of one process, has read the log of events to its end, and holds it there until it is told
 * to read on.
 */
export async function heldAtEnd(bridge: MeetingBridge): Promise<() => void> {
  await bridge.parts.events.settled();
  let readOn = () => {};
  const held = new Promise<void>((resolve) => {
    readOn = () => {
      bridge.beforePage = undefined;
      resolve();
    };
  });
  let pages = 0;
  await new Promise<void>((reached) => {
    bridge.beforePage = async () => {
      pages += 1;
      // The first one may have much to tell; with the second one it is told.
      if (pages === 1) return;
      reached();
      await held;
    };
  });
  return readOn;
}

/** Everything that has happened is told to the meetings of the bridge. */
export async function caughtUp(bridge: MeetingBridge): Promise<void> {
  const readOn = await heldAtEnd(bridge);
  readOn();
}
