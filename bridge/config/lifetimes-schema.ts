import { z } from 'zod';
import {
  ACCESS_TOKEN_MINUTES,
  BINDING_LIFE_HOURS,
  GROUP_KEYS_LIFE_DAYS,
  LOOKUP_MAX_AGE_DEFAULT_S,
  LOOKUP_MAX_AGE_S,
  ONLINE_KEYS_LIFE_DAYS,
  PERSON_KEYS_LIFE_DAYS,
  REFRESH_TOKEN_DAYS,
} from '../lib/limits.ts';

/** How long things live, and when they are to be renewed. */
export const lifetimes = z.strictObject({
  binding_hours: z
    .int()
    .min(1)
    .max(7 * 24)
    .default(BINDING_LIFE_HOURS)
    .describe('How long a signed key binding is valid; it is renewed well before.'),
  online_keys_days: z
    .int()
    .min(1)
    .max(397)
    .default(ONLINE_KEYS_LIFE_DAYS)
    .describe('How long the root vouches for the bridge’s online keys.'),
  person_keys_days: z
    .int()
    .min(0)
    .max(3_650)
    .default(PERSON_KEYS_LIFE_DAYS)
    .describe('How old a person’s private keys may be before their apps rotate them; 0 for however old.'),
  group_keys_days: z
    .int()
    .min(0)
    .max(3_650)
    .default(GROUP_KEYS_LIFE_DAYS)
    .describe('How old a group’s private keys may be before an admin’s app rotates them; 0 for however old.'),
  lookup_max_age_seconds: z
    .int()
    .min(0)
    .max(LOOKUP_MAX_AGE_S)
    .default(LOOKUP_MAX_AGE_DEFAULT_S)
    .describe('How old a look-up’s answer may be when the client does not say.'),
  access_token_minutes: z
    .int()
    .min(1)
    .max(60)
    .default(ACCESS_TOKEN_MINUTES)
    .describe('How long a client app’s access token is valid.'),
  refresh_token_days: z
    .int()
    .min(1)
    .max(365)
    .default(REFRESH_TOKEN_DAYS)
    .describe('How long an unused device stays signed in.'),
});
