import { canonicalize } from 'json-canonicalize';
import { utf8 } from './bytes.ts';
import { CountersignError } from './errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The labels that exist. A label keeps a signature made for one purpose from passing for another. */
export type Label =
  | 'key-statement'
  | 'enrolment'
  | 'device-fingerprint'
  | 'device-code'
  | 'device-code-commitment'
  | 'policy'
  | 'trust-change'
  | 'event'
  | 'event-genesis'
  | 'vault'
  | 'sealed-key-commitment'
  | 'group';

/** Canonical JSON (RFC 8785). Throws `claims_invalid` for anything that two parsers could read differently. */
export function canonicalJson(value: Json): string {
  assertInteroperable(value);
  return canonicalize(value);
}

/** `countersign/<label>/v1\n` and the canonical JSON of `value`: what is hashed and what is self-signed. */
export function labelled(label: Label, value: Json): Uint8Array<ArrayBuffer> {
  return utf8(`countersign/${label}/v1\n${canonicalJson(value)}`);
}

function assertInteroperable(value: Json): void {
  switch (typeof value) {
    case 'number':
      if (!Number.isSafeInteger(value))
        throw new CountersignError('claims_invalid', 'only integers are signed');
      return;
    case 'string':
      if (!value.isWellFormed())
        throw new CountersignError('claims_invalid', 'text is not well-formed Unicode');
      return;
    case 'boolean':
      return;
    case 'object':
      if (value === null) return;
      for (const member of Object.values(value)) assertInteroperable(member);
      return;
    default:
      throw new CountersignError('claims_invalid', `${typeof value} cannot be signed`);
  }
}
