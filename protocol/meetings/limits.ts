/** Every bound of a meeting's tree and of what carries it, each with its reason. */

/** 65,536 places: six times the largest meeting that is measured. One more level costs every member one key. */
export const TREE_LEVELS = 16;

/** Newcomers in one message. Each costs the host a key agreement and every member some 250 characters. */
export const REKEY_JOINS = 200;

/** Departures in one message. Each costs up to one wrap a level; those of 200 share the upper levels. */
export const REKEY_DEPARTURES = 200;

/**
 * Wraps in one message. 200 departures in the largest tree touch 255 nodes of the upper eight levels and 200 in each of
 * the lower eight, with one wrap each; a tree that grows adds one, since the chain goes on from there.
 */
export const REKEY_WRAPS = 2_048;

/** Characters of a rekey message. With every bound above reached and the longest names it has some 300,000. */
export const REKEY_LENGTH = 384 * 1024;

/** Bytes of a placement: the encapsulated key, a key of each level and of the leaf, and the tag. */
export const PLACEMENT_BYTES = 32 + 32 * (TREE_LEVELS + 1) + 16;

/** Messages that a member follows while its placement is still on the way; after more it proves its presence anew. */
export const UNPLACED_MESSAGES = 64;

/**
 * Epochs whose challenge the host still takes. People who join while others do prove their presence for an epoch that
 * is over when the proof arrives; a proof lives two minutes, so this allows for two new epochs a second.
 */
export const CHALLENGES_KEPT = 256;

/** Devices of one request for the evidence of their presence: each has a credential of some 10 kB. */
export const ROSTER_DEVICES = 50;

/** Members on one page of the list, some 150 bytes each. */
export const MEMBERS_PAGE = 1_000;

/** Companies that an admission policy names: a meeting of more than that is a public one. */
export const ADMISSION_COMPANIES = 32;

/** Authentication contexts that it accepts; identity providers know a handful. */
export const ADMISSION_CONTEXTS = 16;

/** Characters of an admission statement: with every bound above reached and the longest names it has some 38,000. */
export const ADMISSION_LENGTH = 40 * 1024;

/**
 * Participants whose admission a client checks itself before it uses a key: everybody, in meetings up to this size. In a
 * larger one each newcomer is drawn with the chance of this number in the meeting's size, so that some hundred clients
 * check each; that none of them does has the chance e^-100. Two pages of evidence, some 2 MB and two seconds at most.
 */
export const ADMISSION_CHECKS = 100;
