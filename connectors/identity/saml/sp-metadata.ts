/** What we publish for an IdP's administrator to import (SAML Metadata §2.4.4). */
import { AES128_GCM, AES256_GCM, OAEP, OAEP_MGF1P } from './algorithms.ts';
import { BINDING_POST, NAME_ID, NS } from './names.ts';
import type { SamlKeyPair, SamlKeys, SamlSettings } from './saml-settings.ts';
import { escapeXml } from './xml.ts';

/** Both the current and the next certificates, so that a rotation needs nobody to act at the same moment. */
export function spMetadata(
  settings: Pick<SamlSettings, 'spEntityId' | 'acsUrl' | 'signing' | 'decryption' | 'subject'>,
): string {
  const encryption = [AES256_GCM, AES128_GCM, OAEP, OAEP_MGF1P].map(
    (algorithm) => `<md:EncryptionMethod Algorithm="${algorithm}"/>`,
  );
  const nameIdFormat =
    settings.subject === undefined || 'nameId' in settings.subject
      ? `<md:NameIDFormat>${NAME_ID.persistent}</md:NameIDFormat>`
      : '';
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<md:EntityDescriptor xmlns:md="${NS.metadata}" xmlns:ds="${NS.signature}" entityID="${escapeXml(settings.spEntityId)}">`,
    `<md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="${NS.protocol}">`,
    ...pairsOf(settings.signing).map((pair) => keyDescriptor('signing', pair, '')),
    ...pairsOf(settings.decryption).map((pair) => keyDescriptor('encryption', pair, encryption.join(''))),
    nameIdFormat,
    `<md:AssertionConsumerService index="0" isDefault="true" Binding="${BINDING_POST}" Location="${escapeXml(settings.acsUrl)}"/>`,
    `</md:SPSSODescriptor></md:EntityDescriptor>`,
  ].join('');
}

function pairsOf({ current, next }: SamlKeys): readonly SamlKeyPair[] {
  return next === undefined ? [current] : [current, next];
}

function keyDescriptor(use: string, { certificate }: SamlKeyPair, methods: string): string {
  const base64 = certificate.replace(/-----(BEGIN|END) CERTIFICATE-----/g, '').replace(/\s/g, '');
  return (
    `<md:KeyDescriptor use="${use}"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${base64}` +
    `</ds:X509Certificate></ds:X509Data></ds:KeyInfo>${methods}</md:KeyDescriptor>`
  );
}
