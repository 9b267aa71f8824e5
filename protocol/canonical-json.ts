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
  | 'lost-versions'
  | 'event'
  | 'event-genesis'
  | 'vault'
  | 'escrow'
  | 'recovery-key'
  | 'recovery'
  | 'escrow-share'
  | 'recovery-half'
  | 'organization-key'
  | 'recovery-key-succession'
  | 'recovery-drill'
  | 'released-share'
  | 'kept-share'
  | 'escrow-reader'
  | 'released-kept-share'
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
  return serialized(value, 0);
}

/** `countersign/<label>/v1\n` and the canonical JSON of `value`: what is hashed and what is self-signed. */
export function labelled(label: Label, value: Json): Uint8Array<ArrayBuffer> {
  return utf8(labelledText(label, value));
}

/** The same before it is turned into bytes, for whoever hashes the UTF-8 of a text at once. */
export function labelledText(label: Label, value: Json): string {
  return `countersign/${label}/v1\n${canonicalJson(value)}`;
}

/** Texts as ECMAScript escapes them, which is what RFC 8785 §3.2.2.2 has; of numbers there are integers alone. */
function serialized(value: Json, depth: number): string {
  switch (typeof value) {
    case 'string':
      return serializedText(value);
    case 'number':
      if (!Number.isSafeInteger(value))
        throw new CountersignError('claims_invalid', 'only integers are signed');
      return Object.is(value, -0) ? '0' : String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (depth === MAX_DEPTH) throw new CountersignError('claims_invalid', 'nested too deeply');
      return isList(value) ? serializedList(value, depth + 1) : serializedObject(value, depth + 1);
    default:
      throw new CountersignError('claims_invalid', `${typeof value} cannot be signed`);
  }
}

function serializedList(list: readonly Json[], depth: number): string {
  // A hole would be left out of what `map` gives.
  return `[${Array.from(list, (item) => serialized(item, depth)).join()}]`;
}

function serializedObject(value: { readonly [name: string]: Json }, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new CountersignError('claims_invalid', 'only plain objects are signed');
  }
  // By UTF-16 code units, as RFC 8785 §3.2.3 has it.
  const names = Object.keys(value).sort();
  let members = '';
  for (const name of names) {
    // A serializer of somebody else's may take a member of this name for the method.
    if (name === 'toJSON') throw new CountersignError('claims_invalid', 'toJSON is no member name');
    const member = value[name];
    if (member === undefined) throw new CountersignError('claims_invalid', 'undefined cannot be signed');
    members += `${members === '' ? '' : ','}${serializedText(name)}:${serialized(member, depth)}`;
  }
  return `{${members}}`;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}

/** Nothing that is escaped, and no surrogates, of which one half might be missing: such a text stands as it is. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

function serializedText(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new CountersignError('claims_invalid', 'text is not well-formed Unicode');
  return JSON.stringify(text);
}
