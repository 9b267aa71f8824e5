import { describePersons } from '../binding/credential-store.ts';
import { notedSignIn } from '../binding/device-sign-ins.ts';
import type { Holder } from '../binding/holder.ts';
import type { AskingParty } from '../binding/permission.ts';
import { signInFacts } from '../binding/sign-in-facts.ts';
import { addressesOf } from '../directory/addresses.ts';
import { findDevice } from '../directory/devices.ts';
import type { Reader } from '../directory/handle.ts';
import { askingPartner } from '../federation/asking-partner.ts';
import { findPartner } from '../federation/partner-store.ts';
import type { Clock } from '../lib/clock.ts';

/** A device that is in a meeting, and asks for nothing now. */
export interface PresentDevice extends Pick<Holder, 'sub' | 'deviceId'> {
  readonly iss: string;
}

/**
 * Who is there as policy may know them without a token: a person of ours by the records about them, with the newest
 * sign-in that was noted; for a partner's person, the partner. Nothing for whom there is no record any more.
 */
export async function knownParty(
  reader: Reader,
  { iss, sub, deviceId }: PresentDevice,
  here: { readonly iss: string; readonly clock: Clock },
): Promise<AskingParty | undefined> {
  if (iss !== here.iss) {
    const partner = await findPartner(reader, iss);
    return partner === undefined ? undefined : askingPartner(partner);
  }
  const person = (await describePersons(reader, [sub])).get(sub);
  if (person?.status !== 'active') return undefined;
  const [primary] = await addressesOf(reader, sub);
  const endorsed = (await findDevice(reader, deviceId))?.sub === sub;
  const connection = primary === undefined ? {} : { connection: primary.connection_id };
  const signIn = person.sign_in === null ? undefined : notedSignIn(person.sign_in);
  return {
    principal: { kind: 'person', id: sub, assurance: person.assurance, endorsed, ...connection },
    context: signIn === undefined ? {} : { signIn: signInFacts({ signIn }, here.clock) },
  };
}
