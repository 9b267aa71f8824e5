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

export function checkEncryptionForm(encryptedAssertion: Element, algorithms: SamlAlgorithms): void {
  const all = elementsOf(encryptedAssertion);
  const data = onlyChild(encryptedAssertion, NS.encryption, 'EncryptedData', 'saml_encryption');
  const key = onlyElement(all, 'EncryptedKey');
  onlyElement(all, 'EncryptedData');
  checkNothingRemote(all);
  const dataMethod = onlyChild(data, NS.encryption, 'EncryptionMethod', 'saml_encryption');
  checkAlgorithm(dataMethod, algorithms.dataEncryption);
  checkKeyMethod(onlyChild(key, NS.encryption, 'EncryptionMethod', 'saml_encryption'), algorithms);
  checkCiphertext(data);
  checkCiphertext(key);
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

function onlyElement(all: readonly Element[], name: string): Element {
  const found = all.filter((element) => isNamed(element, NS.encryption, name));
  const [first] = found;
  if (first === undefined || found.length > 1) refuse('saml_encryption', `there is not exactly one ${name}`);
  return first;
}
