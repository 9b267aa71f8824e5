import * as z from 'zod';
import type { Query, Transaction } from '../storage/database.ts';
import { readFact, writeFact } from '../storage/facts.ts';

/**
 * The evidence that a witness key has signed what its store does not know: our own cosignature. It is no evidence against
 * the log, which is why nothing is cosigned for any log from then on under that key.
 */
const forgottenSchema = z.strictObject({
  /** The key that has forgotten, as others configure it. */
  vkey: z.string(),
  origin: z.string(),
  size: z.int(),
  /** The checkpoint as the log shows it, with that cosignature. */
  note: z.string(),
  /** When that was found, seconds. */
  found: z.int(),
});

export type ForgottenCosignature = Readonly<z.infer<typeof forgottenSchema>>;

/** What this key is known to have forgotten. It stands until the store is replaced by a newer one, or the key by another. */
export async function findForgotten(
  reader: Query | Transaction,
  vkey: string,
): Promise<ForgottenCosignature | undefined> {
  const fact = await readFact(reader, factOf(vkey));
  return fact === undefined ? undefined : forgottenSchema.parse(JSON.parse(fact));
}

/** Remembers it for every process, and across restarts. What was found first stays; answers whether this was it. */
export async function keepForgotten(tx: Transaction, forgotten: ForgottenCosignature): Promise<boolean> {
  if ((await findForgotten(tx, forgotten.vkey)) !== undefined) return false;
  await writeFact(tx, factOf(forgotten.vkey), JSON.stringify(forgotten));
  return true;
}

/** What an administrator is told, and a log that asks. */
export function describeForgotten({ origin, size }: Pick<ForgottenCosignature, 'origin' | 'size'>): string {
  return (
    `This witness has cosigned ${size} entries of ${origin} that its store does not know: it is a restored backup. ` +
    'Nothing is cosigned, of any log. Bring the newest store back, or see `countersign witness replace-key`.'
  );
}

function factOf(vkey: string): string {
  return `witness-forgot ${vkey}`;
}
