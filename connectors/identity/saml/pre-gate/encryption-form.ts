/**
 * The form of an EncryptedAssertion (XML Encryption 1.1 §3, §5): one key, one ciphertext, both inside the message,
 * authenticated encryption only. RSA 1.5 and CBC answer an attacker's questions about the plaintext (Bleichenbacher,
 * Jager and Somorovsky), so they are refused before anything is decrypted.
 */
import type { SamlAlgorithms } from '../algorithms.ts';
import { OAEP_MGF1P } from '../algorithms.ts';
import { NS } from '../names.ts';
import { refuse } from '../refuse.ts';
import { attributeOf, elementsOf, isNamed, onlyChild, optionalChild, textOf } from '../xml.ts';
import { checkAlgorithm } from './signature-form.ts';

/** How often each part may occur, whatever its namespace: what decrypts later looks for some by local name alone. */
const AT_MOST: Readonly<Record<string, number>> = {
  EncryptedData: 1,
  EncryptedKey: 1,
  EncryptionMethod: 2,
  CipherData: 2,
  CipherValue: 2,
  DigestMethod: 1,
  MGF: 1,
  OAEPparams: 1,
  RetrievalMethod: 1,
};

export function checkEncryptionForm(encryptedAssertion: Element, algorithms: SamlAlgorithms): void {
  const all = elementsOf(encryptedAssertion);
  checkCounts(all);
  checkNothingRemote(all);
  const data = onlyChild(encryptedAssertion, NS.encryption, 'EncryptedData', 'saml_encryption');
  const dataMethod = onlyChild(data, NS.encryption, 'EncryptionMethod', 'saml_encryption');
  checkAlgorithm(dataMethod, algorithms.dataEncryption);
  checkCiphertext(data);
  const key = all.find((element) => isNamed(element, NS.encryption, 'EncryptedKey'));
  if (key === undefined) refuse('saml_encryption', 'there is no EncryptedKey');
  checkKeyMethod(onlyChild(key, NS.encryption, 'EncryptionMethod', 'saml_encryption'), algorithms);
  checkCiphertext(key);
}

function checkCounts(all: readonly Element[]): void {
  for (const [name, limit] of Object.entries(AT_MOST)) {
    const count = all.filter((element) => element.localName === name).length;
    if (count > limit) refuse('saml_encryption', `there are too many ${name} elements`);
  }
}

function checkKeyMethod(method: Element, algorithms: SamlAlgorithms): void {
  checkAlgorithm(method, algorithms.keyEncryption);
  const digest = optionalChild(method, NS.signature, 'DigestMethod', 'saml_encryption');
  if (digest !== undefined) checkAlgorithm(digest, algorithms.oaepDigest);
  const mask = optionalChild(method, NS.encryption11, 'MGF', 'saml_encryption');
  if (mask === undefined) return;
  if (attributeOf(method, 'Algorithm') === OAEP_MGF1P)
    refuse('saml_algorithm', 'rsa-oaep-mgf1p takes no mask');
  checkAlgorithm(mask, algorithms.oaepMask);
}

/** A CipherReference or an external RetrievalMethod would make us fetch what the attacker names. */
function checkNothingRemote(all: readonly Element[]): void {
  for (const element of all) {
    if (element.localName === 'CipherReference') refuse('saml_encryption', 'the ciphertext is elsewhere');
    const remote = element.localName === 'RetrievalMethod' && !attributeOf(element, 'URI')?.startsWith('#');
    if (remote) refuse('saml_encryption', 'the key is elsewhere');
  }
}

function checkCiphertext(parent: Element): void {
  const cipher = onlyChild(parent, NS.encryption, 'CipherData', 'saml_encryption');
  textOf(onlyChild(cipher, NS.encryption, 'CipherValue', 'saml_encryption'), 'saml_encryption');
}
