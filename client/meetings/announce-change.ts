import type { CountersignError } from '../../protocol/errors.ts';
import type { LeftEvent } from '../../protocol/meetings/api.ts';
import type { PreparedRekey } from '../../protocol/meetings/host-tree.ts';
import { AdmissionRefusedError } from './candidates.ts';
import type { Feed } from './feed.ts';
import type { MeetingEvent } from './meeting.ts';
import type { Arrival } from './reception.ts';

/** Tells of a message that was accepted, and keeps `present`, whoever has a place, as it says. */
export function announceChange(
  { events, present }: { readonly events: Feed<MeetingEvent>; readonly present: Map<string, Arrival> },
  {
    prepared,
    arrivals,
    left,
  }: {
    readonly prepared: PreparedRekey;
    readonly arrivals: ReadonlyMap<string, Arrival>;
    readonly left: readonly LeftEvent[];
  },
): void {
  for (const { newcomer, code } of prepared.refused) {
    const address = arrivals.get(newcomer.device_id)?.participant.address;
    events.push({ type: 'participant_refused', address: address ?? newcomer.device_id, code, reasons: [] });
  }
  for (const { iss, sub, device_id: deviceId, reason } of left) {
    if (!present.delete(deviceId)) continue;
    events.push({ type: 'left', iss, sub, deviceId, reason });
  }
  for (const { device_id } of prepared.claims.change.joined) {
    const arrival = arrivals.get(device_id);
    if (arrival === undefined) continue;
    const { participant } = arrival;
    present.set(device_id, arrival);
    const { iss, sub, deviceId } = participant;
    events.push({ type: 'joined', iss, sub, deviceId, participant });
  }
}

/** Somebody who has no place, and why. */
export function refusalOf(address: string, error: CountersignError): MeetingEvent {
  const reasons = error instanceof AdmissionRefusedError ? error.reasons : [];
  return { type: 'participant_refused', address, code: error.code, reasons };
}
