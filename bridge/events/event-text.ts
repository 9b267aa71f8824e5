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

/** How often something happened, or which version. */
export const count = z.int().nonnegative();

/**
 * Marks a member that names a person, or may: a sink with redaction gets it not at all or as a pseudonym
 * (redaction.ts). Ids that this bridge makes up are not marked: they name nobody to who does not have its store, and
 * a SIEM that cannot tell one person's events from another's finds nothing.
 */
export const personal = <Schema extends z.ZodType>(schema: Schema): Schema =>
  schema.meta({ ...schema.meta(), personal: true });

/** An e-mail address. */
export const emailAddress = personal(text(254));

/** What a person or an administrator typed, or another side said: nobody knows whom it names. */
export const phrase = personal(text(500));

/** A name or an id that somebody typed, or another side chose: no form of ours holds it. */
export const foreign = personal(name);
