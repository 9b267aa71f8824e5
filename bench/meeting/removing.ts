import type { Child } from '../processes/child.ts';
import type { CompaniesProcess, SentRekey } from './companies-process.ts';
import type { Gathering } from './gathering.ts';
import type { Arrival } from './listeners-process.ts';

/** How long after the host began a message it was everywhere, ms. */
export interface Spread {
  readonly sent: SentRekey;
  readonly answered: number;
  /** Until the last device had the message, and had computed the key; at the home bridge and at its partner. */
  readonly home: { readonly received: number; readonly key: number };
  readonly partner: { readonly received: number; readonly key: number };
}

/** Removes so many devices, one after the other, from all over a meeting in which everybody has a place and listens. */
export async function removeSome(
  companies: Child<CompaniesProcess>,
  { newcomers, heard }: Gathering,
  count: number,
): Promise<Spread[]> {
  const each: Spread[] = [];
  const without: string[] = [];
  for (let removal = 0; removal < count; removal += 1) {
    const gone = newcomers[Math.floor(((removal + 0.5) * newcomers.length) / count)];
    if (gone === undefined) throw new RangeError('nobody is there');
    without.push(gone.device_id);
    const sent = await companies.ask('send', { joined: [], left: [gone.device_id] });
    each.push(spreadOf(sent, await heard(sent, without)));
  }
  return each;
}

function spreadOf(sent: SentRekey, [home, partner]: readonly Arrival[]): Spread {
  if (home === undefined || partner === undefined || home.key !== partner.key) {
    throw new Error('the two bridges’ devices have come to different keys');
  }
  const after = ({ lastReceived, lastKey }: Arrival) => ({
    received: lastReceived - sent.begun,
    key: lastKey - sent.begun,
  });
  return { sent, answered: sent.answered - sent.begun, home: after(home), partner: after(partner) };
}
