/**
 * The first gate: it reads the raw message and refuses; nothing that it reads is used afterwards. Its rules stand
 * below in the order in which they run.
 */
import type { SamlAlgorithms } from '../algorithms.ts';
import { NS } from '../names.ts';
import { refuse } from '../refuse.ts';
import { childrenNamed, elementsOf, isNamed, parseXml, rootOf } from '../xml.ts';
import { checkEncryptionForm } from './encryption-form.ts';
import { checkIds, checkNamespacesBound } from './ids.ts';
import {
  checkDestination,
  checkIsResponse,
  checkResponseInResponseTo,
  checkResponseIssuer,
  checkStatus,
  type Expected,
} from './response-head.ts';
import { checkSignatureForm } from './signature-form.ts';
import { checkWellFormed } from './well-formed.ts';
import {
  checkEncryptedPlaces,
  checkNoSignedObjects,
  checkOneAssertion,
  checkOneResponse,
  checkResponseChildren,
  checkSignaturePlaces,
  findAssertion,
} from './wrapping.ts';

/** Which element must carry a signature of its own. */
export type AssertionSignature = 'assertion' | 'response-or-assertion';

export interface PreGatePolicy {
  readonly expected: Expected;
  readonly algorithms: SamlAlgorithms;
  readonly assertionSignature: AssertionSignature;
  readonly wantEncrypted: boolean;
}

/** A message that no rule of this gate refused. That makes it well-formed, not true. */
export interface ScreenedResponse {
  readonly xml: string;
  readonly responseSigned: boolean;
  readonly assertionSigned: boolean;
  /** The EncryptedData as a document of its own, where the assertion came encrypted. */
  readonly encrypted: Element | undefined;
}

type Rule = (message: Message, policy: PreGatePolicy) => void;

interface Message {
  readonly root: Element;
  readonly elements: readonly Element[];
}

const RESPONSE_RULES: readonly Rule[] = [
  ({ root }) => checkIsResponse(root),
  ({ elements }) => checkNamespacesBound(elements),
  ({ elements }) => checkIds(elements),
  ({ root }, { expected }) => checkDestination(root, expected),
  ({ root }, { expected }) => checkResponseIssuer(root, expected),
  ({ root }, { expected }) => checkResponseInResponseTo(root, expected),
  ({ root }) => checkStatus(root),
  ({ elements }) => checkOneResponse(elements),
  ({ elements }) => checkOneAssertion(elements),
  ({ root }) => checkResponseChildren(root),
  ({ root, elements }) => checkSignaturePlaces(elements, [root, findAssertion(root)]),
  ({ elements }) => checkNoSignedObjects(elements),
  ({ elements }) => checkEncryptedPlaces(elements),
  checkSignatureForms,
  checkEncryption,
  checkSigned,
];

/** The same again for what came out of an EncryptedAssertion. */
const DECRYPTED_RULES: readonly Rule[] = [
  ({ root }) => checkIsAssertion(root),
  ({ elements }) => checkNamespacesBound(elements),
  ({ elements }) => checkIds(elements),
  ({ elements }) => checkOneAssertion(elements),
  ({ root, elements }) => checkSignaturePlaces(elements, [root]),
  ({ elements }) => checkNoSignedObjects(elements),
  ({ elements }) => checkEncryptedPlaces(elements),
  checkSignatureForms,
  ({ root }) => checkHasSignature(root),
];

export function screenResponse(text: string, policy: PreGatePolicy): ScreenedResponse {
  const { xml, message } = screen(text, RESPONSE_RULES, policy);
  const assertion = findAssertion(message.root);
  return {
    xml,
    responseSigned: hasSignature(message.root),
    assertionSigned: hasSignature(assertion),
    encrypted: isEncrypted(assertion) ? assertion : undefined,
  };
}

/** Returns the text of the assertion, without XML declaration. */
export function screenDecrypted(text: string, policy: PreGatePolicy): string {
  return screen(text, DECRYPTED_RULES, policy).xml;
}

function screen(text: string, rules: readonly Rule[], policy: PreGatePolicy) {
  const xml = checkWellFormed(text);
  const root = rootOf(parseXml(xml));
  const message = { root, elements: elementsOf(root) };
  for (const rule of rules) rule(message, policy);
  return { xml, message };
}

function checkSignatureForms({ elements }: Message, { algorithms }: PreGatePolicy): void {
  const signatures = elements.filter((element) => isNamed(element, NS.signature, 'Signature'));
  for (const signature of signatures) checkSignatureForm(signature, algorithms);
}

function checkEncryption({ root }: Message, { algorithms, wantEncrypted }: PreGatePolicy): void {
  const assertion = findAssertion(root);
  if (isEncrypted(assertion)) checkEncryptionForm(assertion, algorithms);
  else if (wantEncrypted) refuse('saml_encryption', 'the assertion is not encrypted');
}

/** An encrypted assertion is looked at again when it is open; it must then be signed itself, whatever the setting. */
function checkSigned({ root }: Message, { assertionSignature }: PreGatePolicy): void {
  const assertion = findAssertion(root);
  if (isEncrypted(assertion) || hasSignature(assertion)) return;
  if (assertionSignature === 'response-or-assertion' && hasSignature(root)) return;
  refuse('saml_unsigned', 'the assertion is not signed');
}

function checkIsAssertion(root: Element): void {
  if (!isNamed(root, NS.assertion, 'Assertion'))
    refuse('saml_encryption', 'what was encrypted is no assertion');
}

function checkHasSignature(assertion: Element): void {
  if (!hasSignature(assertion)) refuse('saml_unsigned', 'the encrypted assertion is not signed');
}

function hasSignature(element: Element): boolean {
  return childrenNamed(element, NS.signature, 'Signature').length > 0;
}

function isEncrypted(assertion: Element): boolean {
  return isNamed(assertion, NS.assertion, 'EncryptedAssertion');
}
