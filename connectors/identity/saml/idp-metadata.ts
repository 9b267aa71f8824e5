/** What an IdP publishes about itself (SAML Metadata §2). Read by an own small parser: it decides whom we trust. */
import type { Clock } from '../../../bridge/lib/clock.ts';
import { IDP_CERTIFICATES, METADATA_BYTES } from '../../../bridge/lib/limits.ts';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { type IdpCertificate, parseCertificate } from './certificates.ts';
import { BINDING_REDIRECT, NS } from './names.ts';
import { timeOf } from './post-gate/signed-time.ts';
import { checkSize } from './pre-gate/message-bytes.ts';
import { checkWellFormed } from './pre-gate/well-formed.ts';
import { refuse } from './refuse.ts';
import {
  attributeOf,
  childrenNamed,
  elementsOf,
  isNamed,
  onlyChild,
  parseXml,
  rootOf,
  textOf,
} from './xml.ts';

export interface IdpMetadata {
  readonly entityId: string;
  /** HTTP-Redirect endpoint; always https. */
  readonly ssoUrl: string;
  /** Those for signing, in the order of the document; they may be expired: see usableCertificates. */
  readonly certificates: readonly IdpCertificate[];
  /** Milliseconds since the epoch; null where the document does not say. */
  readonly validUntil: number | null;
}

/**
 * @param xml attacker-controlled only if the URL or the administrator's clipboard is.
 * @throws saml_metadata for anything that cannot be used, saml_doctype, saml_too_large.
 */
export function parseIdpMetadata(xml: string, options: { clock: Clock; entityId?: string }): IdpMetadata {
  try {
    return readMetadata(xml, options);
  } catch (error) {
    // The gates' readers, used here as well, speak of messages.
    const malformed = isCountersignError(error, 'saml_malformed');
    throw malformed ? new CountersignError('saml_metadata', error.detail, { cause: error }) : error;
  }
}

function readMetadata(xml: string, options: { clock: Clock; entityId?: string }): IdpMetadata {
  checkSize(xml.length, METADATA_BYTES);
  // Published metadata is full of comments; here nothing signed is read, so they are dropped.
  const root = rootOf(parseXml(checkWellFormed(withoutComments(xml))));
  const entity = findEntity(root, options.entityId);
  const descriptor = onlyChild(entity, NS.metadata, 'IDPSSODescriptor', 'saml_metadata');
  return {
    entityId: attributeOf(entity, 'entityID') ?? refuse('saml_metadata', 'the entity has no id'),
    ssoUrl: redirectUrlOf(descriptor),
    certificates: signingCertificatesOf(descriptor),
    validUntil: checkValidUntil([root, entity, descriptor], options.clock.now()),
  };
}

/** An https URL without credentials in it; `javascript:` and the like would run in the person's browser. */
export function checkHttps(location: string): string {
  const url = URL.canParse(location) ? new URL(location) : undefined;
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') {
    refuse('saml_metadata', 'an endpoint is not an https URL');
  }
  return location;
}

// A regular expression would be quadratic in the number of comments that never end.
function withoutComments(xml: string): string {
  const kept: string[] = [];
  let position = 0;
  for (;;) {
    const start = xml.indexOf('<!--', position);
    const end = start === -1 ? -1 : xml.indexOf('-->', start + 4);
    if (end === -1) return [...kept, xml.slice(position)].join('');
    kept.push(xml.slice(position, start));
    position = end + 3;
  }
}

function findEntity(root: Element, entityId: string | undefined): Element {
  const entities = elementsOf(root).filter((element) => isNamed(element, NS.metadata, 'EntityDescriptor'));
  const named =
    entityId === undefined
      ? entities
      : entities.filter((entity) => attributeOf(entity, 'entityID') === entityId);
  const [first, second] = named;
  if (first === undefined) refuse('saml_metadata', 'the entity is not in the document');
  if (second !== undefined) refuse('saml_metadata', 'the document describes several entities: name one');
  return first;
}

function redirectUrlOf(descriptor: Element): string {
  const protocols = attributeOf(descriptor, 'protocolSupportEnumeration')?.split(/\s+/) ?? [];
  if (!protocols.includes(NS.protocol)) refuse('saml_metadata', 'the entity does not speak SAML 2.0');
  const services = childrenNamed(descriptor, NS.metadata, 'SingleSignOnService');
  for (const service of services) checkHttps(attributeOf(service, 'Location') ?? '');
  const redirect = services.find((service) => attributeOf(service, 'Binding') === BINDING_REDIRECT);
  const location = redirect === undefined ? undefined : attributeOf(redirect, 'Location');
  return location ?? refuse('saml_metadata', 'there is no sign-in endpoint with the Redirect binding');
}

/** `use` absent means both uses; a certificate for encryption may verify nothing. */
function signingCertificatesOf(descriptor: Element): IdpCertificate[] {
  const certificates = childrenNamed(descriptor, NS.metadata, 'KeyDescriptor')
    .filter((key) => (attributeOf(key, 'use') ?? 'signing') === 'signing')
    .flatMap(elementsOf)
    .filter((element) => isNamed(element, NS.signature, 'X509Certificate'))
    .map((element) => parseCertificate(textOf(element, 'saml_metadata')));
  if (certificates.length === 0) refuse('saml_metadata', 'there is no certificate for signing');
  if (certificates.length > IDP_CERTIFICATES) refuse('saml_metadata', 'there are too many certificates');
  return certificates;
}

/** The earliest one of the document, the entity and the role holds. */
function checkValidUntil(elements: readonly Element[], now: number): number | null {
  const times = elements.map((element) => timeOf(element, 'validUntil')).filter((time) => time !== undefined);
  if (times.length === 0) return null;
  const until = Math.min(...times);
  if (until <= now) refuse('saml_metadata', 'the metadata is past its validUntil');
  return until;
}
