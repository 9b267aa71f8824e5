import { CountersignError } from '../../../protocol/errors.ts';
import type { CheckedOidcSettings } from './settings.ts';

/** Claims as they come: from a verified ID token or a UserInfo answer for the same subject. Types are unchecked. */
export type Claims = Readonly<Record<string, unknown>>;

/** OpenID Connect Core section 2: at most 255 characters. */
const SUBJECT_LENGTH = 255;
const ADDRESSES = 20;
const ADDRESS_LENGTH = 320;
const NAME_LENGTH = 256;
const GROUPS = 2000;
const GROUP_LENGTH = 512;

type Mapping = CheckedOidcSettings['claims'];

/** Whether the ID token alone says all that the mapping asks for. */
export function saysAll(idToken: Claims, mapping: Mapping): boolean {
  const wanted = [mapping.address, mapping.addressVerified, mapping.name, mapping.groups];
  return wanted.every((name) => name === undefined || claim(idToken, name) !== undefined);
}

/** The subject comes from the ID token alone: UserInfo is bound to it, not the other way round. */
export function subjectOf(idToken: Claims, mapping: Mapping): string {
  return text(mapping.subject, claim(idToken, mapping.subject), SUBJECT_LENGTH);
}

export function nameOf(sources: readonly Claims[], mapping: Mapping): string | null {
  const value = first(sources, mapping.name);
  return value === undefined || value === '' ? null : text(mapping.name, value, NAME_LENGTH);
}

export function groupsOf(sources: readonly Claims[], mapping: Mapping): string[] {
  const { groups } = mapping;
  return groups === undefined ? [] : texts(groups, first(sources, groups), GROUPS, GROUP_LENGTH);
}

/**
 * The asserted addresses, by the connection's policy on `email_verified`. The address and the word on whether it
 * was verified are taken from the same source: one source's word never covers another source's address.
 *
 * @throws CountersignError `oidc_email_unverified`, `oidc_claims`
 */
export function addressesOf(sources: readonly Claims[], settings: CheckedOidcSettings): string[] {
  const { address, addressVerified } = settings.claims;
  const withAddress = sources.filter((source) => claim(source, address) !== undefined);
  const source =
    withAddress.find((candidate) => claim(candidate, addressVerified) !== undefined) ?? withAddress[0];
  if (source === undefined) return [];

  const verified = claim(source, addressVerified);
  const accepted =
    isTrue(verified) || (verified === undefined && settings.emailVerified === 'trusted-domain');
  if (!accepted) throw new CountersignError('oidc_email_unverified', unverified(addressVerified, verified));
  return texts(address, claim(source, address), ADDRESSES, ADDRESS_LENGTH);
}

/** Neither the address nor what stood in the claim is repeated. */
function unverified(name: string, value: unknown): string {
  return value === undefined
    ? `The claim “${name}” is missing, and this connection does not trust addresses without it.`
    : `The claim “${name}” does not say that the address is verified.`;
}

/** A list of strings, or one string; absent is empty. */
export function texts(name: string, value: unknown, count: number, length: number): string[] {
  if (value === undefined) return [];
  const values = Array.isArray(value) ? value : [value];
  if (values.length > count) throw malformed(name);
  return values.map((member) => text(name, member, length));
}

/** An own, present member: claim names are configured, and `__proto__` is not a claim. */
export function claim(claims: Claims, name: string): unknown {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  return value === null ? undefined : value;
}

function first(sources: readonly Claims[], name: string): unknown {
  return sources.map((source) => claim(source, name)).find((value) => value !== undefined);
}

/** Some IdPs send the boolean as a string (Cognito), Entra's `xms_edov` also as a number. */
function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === 'true' || value === '1';
}

function text(name: string, value: unknown, length: number): string {
  if (typeof value !== 'string' || value === '' || value.length > length) throw malformed(name);
  return value;
}

function malformed(name: string): CountersignError {
  return new CountersignError('oidc_claims', `The claim ${name} is missing or malformed.`);
}
