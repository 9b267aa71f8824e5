/**
 * One Response, one assertion, and signatures only where they cover their parent. Signature wrapping (XSW) needs a
 * second assertion or a moved one to exist somewhere; here it may not exist anywhere, whatever its namespace.
 */
import { NS } from '../names.ts';
import { refuse } from '../refuse.ts';
import { childElements, childrenNamed, isNamed } from '../xml.ts';

const ASSERTIONS = new Set(['Assertion', 'EncryptedAssertion']);

const RESPONSE_CHILDREN: readonly (readonly [namespace: string, name: string])[] = [
  [NS.assertion, 'Issuer'],
  [NS.signature, 'Signature'],
  [NS.protocol, 'Status'],
  [NS.assertion, 'Assertion'],
  [NS.assertion, 'EncryptedAssertion'],
];

/** The one assertion of the Response, encrypted or not. */
export function findAssertion(response: Element): Element {
  const found = childElements(response).find((child) => ASSERTIONS.has(child.localName));
  return found ?? refuse('saml_wrapping', 'there is no assertion in the Response');
}

export function checkOneResponse(elements: readonly Element[]): void {
  const responses = elements.filter((element) => element.localName === 'Response');
  if (responses.length !== 1) refuse('saml_wrapping', 'there is a Response within the message');
}

export function checkOneAssertion(elements: readonly Element[]): void {
  const assertions = elements.filter((element) => ASSERTIONS.has(element.localName));
  if (assertions.length !== 1) refuse('saml_wrapping', 'there is not exactly one assertion');
}

/** No Extensions either: nothing in them is understood, and an assertion hides well there. */
export function checkResponseChildren(response: Element): void {
  for (const child of childElements(response)) {
    const known = RESPONSE_CHILDREN.some(([namespace, name]) => isNamed(child, namespace, name));
    if (!known) refuse('saml_wrapping', 'the Response contains an element that it may not');
  }
}

/** Every Signature is a child of one of `owners`, at most one of each. */
export function checkSignaturePlaces(elements: readonly Element[], owners: readonly Element[]): void {
  for (const signature of elements.filter((element) => element.localName === 'Signature')) {
    const owner = owners.find((candidate) => candidate === signature.parentNode);
    if (owner === undefined || signature.namespaceURI !== NS.signature) {
      refuse('saml_wrapping', 'a signature is where it may not be');
    }
    if (childrenNamed(owner, NS.signature, 'Signature').length > 1) {
      refuse('saml_wrapping', 'an element has more than one signature');
    }
  }
}

export function checkNoSignedObjects(elements: readonly Element[]): void {
  if (elements.some((element) => isNamed(element, NS.signature, 'Object'))) {
    refuse('saml_wrapping', 'a signature contains an object');
  }
}

/** Encrypted data only as the content of the one EncryptedAssertion. */
export function checkEncryptedPlaces(elements: readonly Element[]): void {
  for (const data of elements.filter((element) => element.localName === 'EncryptedData')) {
    if (data.parentNode?.nodeName.split(':').pop() !== 'EncryptedAssertion') {
      refuse('saml_wrapping', 'something other than the assertion is encrypted');
    }
  }
}
