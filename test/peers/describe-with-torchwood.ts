import { describe } from 'vitest';
import { torchwoodMissing } from './torchwood-package.ts';

/** A suite that needs torchwood; to be awaited. It is skipped, with the reason, where the package cannot be had. */
export async function describeWithTorchwood(title: string, define: () => void): Promise<void> {
  const reason = await torchwoodMissing();
  if (reason !== null) console.warn(`Skipped: ${title}. ${reason}`);
  describe.skipIf(reason !== null)(title, define);
}
