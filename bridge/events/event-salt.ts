import { randomFillSync } from 'node:crypto';

const SALT_BYTES = 16;
/** Thousands of events a second: so many salts are drawn from the system at once. */
const POOLED = 256;

const pool = Buffer.alloc(SALT_BYTES * POOLED);
let used = pool.length;

/**
 * 128 random bits as base64url (22 characters): a member of each event and of what is hashed, so that whoever has an
 * event without it, as redaction leaves it, cannot try names and addresses until the hash fits.
 */
export function newSalt(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += SALT_BYTES;
  return pool.toString('base64url', used - SALT_BYTES, used);
}
