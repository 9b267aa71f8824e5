/**
 * Every bound of the bridge on what others may send, how many, and how long: one file, so that they can be reviewed
 * together. Each says why it is what it is. What an operator may choose stands in bridge/config, with these as the
 * defaults or the outer bounds. Times end in `_MS` or `_S`, sizes in `_BYTES`.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

// ---- names (DNS)

/** One packet to one server. Longer than any healthy resolver takes, short enough to try a second server. */
export const DNS_TRY_TIMEOUT_MS = 2_000;
/** Two tries cover one lost packet; more would hold a sign-in up for a dead zone. */
export const DNS_TRIES = 2;
/** All servers and tries together: a person waits behind it. */
export const DNS_TOTAL_TIMEOUT_MS = 8_000;
