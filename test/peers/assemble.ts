type Undo = () => Promise<void> | void;

/**
 * Builds something out of parts that must be taken down again. `build` says after each part how; if it fails half-way
 * the parts so far are taken down at once, otherwise by `stop` of what it answers, last one first.
 */
export async function assemble<T extends object>(
  build: (undo: (step: Undo) => void) => Promise<T>,
): Promise<T & { stop(): Promise<void> }> {
  const steps: Undo[] = [];
  async function stop(): Promise<void> {
    for (const step of steps.splice(0).reverse()) await step();
  }
  try {
    const built = await build((step) => steps.push(step));
    return { ...built, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
