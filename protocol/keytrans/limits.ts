/** The longest log proof in characters: the some 60 rungs of the longest ladder in a map of millions fit. */
export const LOG_STAPLE_MAX = 32_768;

/** A day: as long as bindings live, and twice what an auditor needs that replays once in half a day. */
export const MAX_CHECKPOINT_AGE = 86_400;
