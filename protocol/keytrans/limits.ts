/** The longest log proof in characters: the some 60 rungs of the longest ladder in a map of millions fit. */
export const LOG_STAPLE_MAX = 32_768;
