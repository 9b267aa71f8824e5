import * as z from 'zod/mini';
import { LOOKUP_MAX_AGE_S, MEETING_LIFE_S } from '../../lib/limits.ts';
import type { Lifetimes } from '../policy.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;
const YEARS = 3_650 * DAY;

/** Of what the bridge signs and renews: shorter ones would be renewed all the time, longer ones outlive a reset too long. */
const signed = z.int().check(z.gte(HOUR), z.lte(7 * DAY));
const signedLife = z.strictObject({
  default: signed,
  member: z.optional(signed),
  guest: z.optional(signed),
  room: z.optional(signed),
  gateway: z.optional(signed),
  recorder: z.optional(signed),
  bot: z.optional(signed),
});
/** 0: as old as they may be. */
const keyAge = z.int().check(z.gte(0), z.lte(YEARS));

/** `policies/data.json`: what is no rule but a number. All in seconds. */
export const policyDataSchema = z.strictObject({
  lifetimes: z.strictObject({
    binding: signedLife,
    device_binding: signedLife,
    person_keys: keyAge,
    group_keys: keyAge,
    look_up_max_age: z.int().check(z.gte(0), z.lte(LOOKUP_MAX_AGE_S)),
    meeting: z.int().check(z.gte(HOUR), z.lte(MEETING_LIFE_S)),
  }),
});

export type PolicyData = z.infer<typeof policyDataSchema>;

/** What the data says about how long things live. */
export function lifetimesOf({ lifetimes }: PolicyData): Lifetimes {
  const { binding, device_binding: deviceBinding } = lifetimes;
  return {
    binding: (of) => binding[of] ?? binding.default,
    deviceBinding: (of) => deviceBinding[of] ?? deviceBinding.default,
    personKeys: lifetimes.person_keys,
    groupKeys: lifetimes.group_keys,
    lookUpMaxAge: lifetimes.look_up_max_age,
    meeting: lifetimes.meeting,
  };
}
