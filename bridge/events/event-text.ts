import * as z from 'zod';

/**
 * A text in an event, cut to `max` characters and made well-formed: it may come from an attacker, and an event must
 * not get lost because of what it reports.
 */
export const text = (max: number) =>
  z
    .string()
    .overwrite((value) => value.slice(0, max).toWellFormed())
    .max(max);

/** Ids, thumbprints, versions and the like: ours, or held against their form before. */
export const name = text(255);

/** What a person or an administrator typed, or another side said. */
export const phrase = text(500);

/** How often something happened, or which version. */
export const count = z.int().nonnegative();
