import { parseAddress } from '../../protocol/address.ts';
import type { Transaction } from '../storage/database.ts';
import { addressesOfPerson } from './addresses-of-person.ts';
import type { ChangeToSignal } from './changes-to-signal.ts';
import { isExcluded } from './exclusion-store.ts';
import type { AddressedSignal } from './partner-recipients.ts';
import type { Receiver } from './receiver.ts';
import { findReceiver } from './receiver-store.ts';
import type { SignalSubject, SimpleSubject } from './signal.ts';
import { openStreams } from './stream-store.ts';

/**
 * The signals to registered receivers about a change: of the people that the registration allows, of the events that the
 * stream asked for, and of nobody whom the receiver took out of it. `iss` is ours.
 */
export async function signalsToReceivers(
  tx: Transaction,
  change: ChangeToSignal,
  { txn, iss }: { txn: string; iss: string },
): Promise<AddressedSignal[]> {
  const streams = await openStreams(tx);
  if (streams.length === 0) return [];
  const { sub, address } = change;
  const addresses = address === undefined ? await addressesOfPerson(tx, sub) : [address];
  const signals: AddressedSignal[] = [];
  for (const stream of streams) {
    const receiver = await findReceiver(tx, stream.receiver);
    if (receiver === undefined || !stream.events_delivered.includes(change.uri)) continue;
    for (const user of usersFor(receiver, addresses, { iss, sub })) {
      if (await isExcluded(tx, stream.stream_id, [user, { format: 'iss_sub', iss, sub }])) continue;
      const claims = {
        txn,
        sub_id: subjectOf(user, change.device),
        events: { [change.uri]: change.members },
      };
      signals.push({ queue: stream.stream_id, claims });
    }
  }
  return signals;
}

/** Whoever has no address here is named by `iss` and `sub`, to receivers of everybody. */
function usersFor(
  { domains, subject_format }: Receiver,
  addresses: readonly string[],
  person: { iss: string; sub: string },
): SimpleSubject[] {
  const theirs = addresses.filter(
    (address) => domains === null || domains.includes(parseAddress(address).domain),
  );
  if (subject_format === 'email' && theirs.length > 0) {
    return theirs.map((email) => ({ format: 'email', email }));
  }
  return domains === null || theirs.length > 0 ? [{ format: 'iss_sub', ...person }] : [];
}

function subjectOf(user: SimpleSubject, device: string | undefined): SignalSubject {
  if (device === undefined) return user;
  return { format: 'complex', user, device: { format: 'opaque', id: device } };
}
