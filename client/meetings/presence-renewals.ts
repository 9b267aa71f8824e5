import { CountersignError } from '../../protocol/errors.ts';
import { PRESENCE_LIFE } from '../../protocol/presence.ts';
import { signPresenceRenewal } from '../../protocol/presence-renewal.ts';
import { pause } from '../waiting.ts';
import type { Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/** A proof that was shown: its sha256, and when what it rests on ends, seconds. */
export interface RenewablePresence {
  readonly hash: string;
  readonly until: number;
}

/** Seconds; bridges take thirty a minute. */
const PAUSE_MIN = 2;
/** Beyond 24 days no timer waits right. */
const PAUSE_MAX = 7 * 86_400;
/** Seconds after a failure; twice as many after each further one, up to `RETRY_MAX`. */
const RETRY = 60;
const RETRY_MAX = 3600;

/**
 * Seconds until a presence is renewed that is good for `left` more: some half of it, each device at another time, so that
 * those who came together do not come again together. `drawn` is from 0 to 1.
 */
export function renewalPause(left: number, failures: number, drawn: number): number {
  const isLate = failures > 0 || left <= 0;
  const middle = isLate ? Math.min(RETRY * 2 ** failures, RETRY_MAX) : Math.max(left / 2, PAUSE_MIN);
  return Math.min(middle * (0.6 + 0.8 * drawn), PAUSE_MAX);
}

/** Shows this presence again and again, as of the newest epoch, until the signal is aborted. What fails is told. */
export async function keepRenewing(
  session: Session,
  { hash, until }: RenewablePresence,
  signal: AbortSignal,
): Promise<void> {
  const { context } = session.parts;
  let end = until;
  let failures = 0;
  while (!signal.aborted) {
    const seconds = renewalPause(end - context.now(), failures, Math.random());
    await pause(seconds * 1000, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      end = await renew(session, hash);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      session.refuse(error);
    }
  }
}

/** Answers when what the presence rests on ends, seconds. */
async function renew(session: Session, presence: string): Promise<number> {
  const { parts } = session;
  return untilSent(session, async () => {
    // As of now, also where the bridge could not be reached for long: a renewal lives no longer than a proof.
    const { device, self, group, context } = parts;
    if (session.head === null) throw new CountersignError('internal', 'a presence in no epoch');
    const { epoch, challenge } = session.head.claims;
    const now = context.now();
    const renewal = await signPresenceRenewal(device.sig, {
      ...{ iss: self.iss, sub: self.sub, device_id: device.id, aud: group.iss, meeting: group.group },
      ...{ presence, epoch, challenge, iat: now, exp: now + PRESENCE_LIFE },
    });
    return parts.relay.renew(renewal);
  });
}
