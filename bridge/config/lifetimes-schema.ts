import * as z from 'zod';
import {
  ACCESS_TOKEN_MINUTES,
  KEY_ENCRYPTION_KEY_DAYS,
  KEY_ENCRYPTION_KEY_DAYS_MAX,
  ONLINE_KEYS_LIFE_DAYS,
  REFRESH_TOKEN_DAYS,
} from '../lib/limits.ts';

/** How long things live that no policy is about; the others stand in `policies/data.json`. */
export const lifetimes = z.strictObject({
  online_keys_days: z
    .int()
    .min(1)
    .max(397)
    .default(ONLINE_KEYS_LIFE_DAYS)
    .describe('How long the root vouches for the bridge’s online keys.'),
  key_encryption_key_days: z
    .int()
    .min(0)
    .max(KEY_ENCRYPTION_KEY_DAYS_MAX)
    .default(KEY_ENCRYPTION_KEY_DAYS)
    .describe(
      'How old the key-encryption key may be before an event, a metric and readiness say that it is to be replaced; 0: however old.',
    ),
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
