import { isCountersignError } from '../protocol/errors.ts';
import { type CheckedHistory, readAddressHistory } from './key-history.ts';
import { askWhoIAm, type ClientParts } from './own-account.ts';
import type { KeyVersion, OwnKeyHistory } from './own-key-answers.ts';

/** The addresses that the person holds beside the one with their keys, as the bridge says now: some twenty at most. */
export async function otherAddresses(parts: ClientParts, main: string): Promise<string[]> {
  const { addresses } = await askWhoIAm(parts);
  return addresses.filter((address) => address !== main);
}

/**
 * What was ever made for another of the person's addresses; null where nothing was, which is the bridge's word: of what is
 * not in its log there is no proof. Throws as `readKeyHistory` does.
 */
export async function readOtherHistory(
  parts: ClientParts,
  address: string,
  main: string,
): Promise<CheckedHistory | null> {
  try {
    const checked = await readAddressHistory(parts, address, main);
    return {
      ...checked,
      history: { ...checked.history, unrecognized: unrecognizedAtOther(checked.history) },
    };
  } catch (error) {
    if (isCountersignError(error, 'not_enrolled')) return null;
    throw error;
  }
}

/**
 * Whoever had the address before may have keys there, but none that is in force: it is this person's now. So only the last
 * version counts, however it came to be.
 */
function unrecognizedAtOther({ versions }: Pick<OwnKeyHistory, 'versions'>): KeyVersion[] {
  const last = versions.at(-1);
  const misleads = last?.mark === 'unrecognized' && last.statement.status === 'active';
  return last !== undefined && misleads ? [last] : [];
}

/** The history of the person's keys and, where no address was named, what was made for the others. */
export async function readKeyHistory(parts: ClientParts, wanted?: string): Promise<OwnKeyHistory> {
  const { history } = await readAddressHistory(parts, wanted);
  if (wanted !== undefined) return history;
  const others: OwnKeyHistory[] = [];
  for (const address of await otherAddresses(parts, history.address)) {
    const other = await readOtherHistory(parts, address, history.address);
    if (other !== null) others.push(other.history);
  }
  return { ...history, others };
}
