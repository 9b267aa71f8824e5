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
  | 'escrow'
  | 'recovery-key'
  | 'recovery'
  | 'escrow-share'
  | 'recovery-half'
  | 'organization-key'
  | 'released-share'
  | 'passphrase-check'
  | 'sealed-key-commitment'
  | 'group'
  | 'group-rotation'
  | 'rotation'
  | 'device-rotation'
  | 'group-vault'
  | 'meeting-fingerprint'
  | 'meeting-member'
  | 'meeting-placement'
  | 'asset';

/** Nothing that is signed nests deeper; more is an attack on the stack. */
const MAX_DEPTH = 32;

/** Canonical JSON (RFC 8785). Throws `claims_invalid` for anything that two parsers could read differently. */
export function canonicalJson(value: Json): string {
  return canonicalize(interoperable(value, 0));
}

/** `countersign/<label>/v1\n` and the canonical JSON of `value`: what is hashed and what is self-signed. */
export function labelled(label: Label, value: Json): Uint8Array<ArrayBuffer> {
  return utf8(`countersign/${label}/v1\n${canonicalJson(value)}`);
}

/** A copy, so that what was checked is what is written, and nothing in it is shared. */
function interoperable(value: Json, depth: number): Json {
  switch (typeof value) {
    case 'number':
      if (!Number.isSafeInteger(value))
        throw new CountersignError('claims_invalid', 'only integers are signed');
      return value;
    case 'string':
      assertWellFormed(value);
      return value;
    case 'boolean':
      return value;
    case 'object':
      if (value === null) return null;
      if (depth === MAX_DEPTH) throw new CountersignError('claims_invalid', 'nested too deeply');
      return isList(value)
        ? Array.from(value, (item) => interoperable(item, depth + 1))
        : interoperableObject(value, depth);
    default:
      throw new CountersignError('claims_invalid', `${typeof value} cannot be signed`);
  }
}

function interoperableObject(value: { readonly [name: string]: Json }, depth: number): Json {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new CountersignError('claims_invalid', 'only plain objects are signed');
  }
  const copy: Record<string, Json> = Object.create(null);
  for (const [name, member] of Object.entries(value)) {
    assertWellFormed(name);
    // The serializer would take a member of this name for the method, and leave the object unsorted.
    if (name === 'toJSON') throw new CountersignError('claims_invalid', 'toJSON is no member name');
    copy[name] = interoperable(member, depth + 1);
  }
  return copy;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}

function assertWellFormed(text: string): void {
  if (!text.isWellFormed()) throw new CountersignError('claims_invalid', 'text is not well-formed Unicode');
}
