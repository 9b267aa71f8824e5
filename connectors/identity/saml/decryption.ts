import { promisify } from 'node:util';
import { XMLSerializer } from '@xmldom/xmldom';
import xmlEncryption from 'xml-encryption';
import { refuse } from './refuse.ts';
import type { SamlKeys } from './saml-settings.ts';

const decrypt = promisify(xmlEncryption.decrypt);

/**
 * Opens an EncryptedAssertion whose form the pre-gate has accepted. Every failure looks the same from outside: which
 * step failed is what a padding oracle would ask.
 */
export async function decryptAssertion(encryptedAssertion: Element, keys: SamlKeys): Promise<string> {
  const xml = new XMLSerializer().serializeToString(encryptedAssertion);
  const failures: unknown[] = [];
  for (const pair of keys.next === undefined ? [keys.current] : [keys.current, keys.next]) {
    try {
      return await decrypt(xml, { key: pair.privateKey, disallowDecryptionWithInsecureAlgorithm: true });
    } catch (error) {
      failures.push(error);
    }
  }
  return refuse('saml_encryption', 'the assertion does not open', new AggregateError(failures));
}
