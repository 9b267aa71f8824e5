/**
 * The form of each XML signature (XML Signature §4), before its value is computed: one SignedInfo, one Reference to
 * the element that holds the signature, allowed algorithms, and text where a parser expects text.
 */
import type { SamlAlgorithms } from '../algorithms.ts';
import { NS } from '../names.ts';
import { refuse } from '../refuse.ts';
import {
  attributeOf,
  childElements,
  childrenNamed,
  isNamed,
  onlyChild,
  optionalChild,
  textOf,
} from '../xml.ts';

const MAX_TRANSFORMS = 2;
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

type SignatureRule = (signature: Element, algorithms: SamlAlgorithms) => void;

const RULES: readonly SignatureRule[] = [
  checkSignatureChildren,
  checkSignedInfoChildren,
  checkCanonicalization,
  checkSignatureMethod,
  checkReferenceTarget,
  checkTransforms,
  checkDigestMethod,
  checkDigestValue,
  checkSignatureValue,
];

export function checkSignatureForm(signature: Element, algorithms: SamlAlgorithms): void {
  for (const rule of RULES) rule(signature, algorithms);
}

function checkSignatureChildren(signature: Element): void {
  onlyChild(signature, NS.signature, 'SignedInfo', 'saml_signature');
  onlyChild(signature, NS.signature, 'SignatureValue', 'saml_signature');
  optionalChild(signature, NS.signature, 'KeyInfo', 'saml_signature');
  checkChildNames(signature, ['SignedInfo', 'SignatureValue', 'KeyInfo']);
}

function checkSignedInfoChildren(signature: Element): void {
  const info = signedInfoOf(signature);
  onlyChild(info, NS.signature, 'CanonicalizationMethod', 'saml_signature');
  onlyChild(info, NS.signature, 'SignatureMethod', 'saml_signature');
  const reference = onlyChild(info, NS.signature, 'Reference', 'saml_signature');
  checkChildNames(info, ['CanonicalizationMethod', 'SignatureMethod', 'Reference']);
  checkChildNames(reference, ['Transforms', 'DigestMethod', 'DigestValue']);
}

function checkCanonicalization(signature: Element, { canonicalization }: SamlAlgorithms): void {
  const method = onlyChild(signedInfoOf(signature), NS.signature, 'CanonicalizationMethod', 'saml_signature');
  checkAlgorithm(method, canonicalization);
  checkParameters(method);
}

/** HMAC is refused here: it would take the public certificate for a shared secret. So is SHA-1. */
function checkSignatureMethod(signature: Element, algorithms: SamlAlgorithms): void {
  const method = onlyChild(signedInfoOf(signature), NS.signature, 'SignatureMethod', 'saml_signature');
  checkAlgorithm(method, algorithms.signature);
  if (childElements(method).length > 0) refuse('saml_algorithm', 'the signature method has parameters');
}

function checkReferenceTarget(signature: Element): void {
  const owner = signature.parentNode as Element;
  const id = attributeOf(owner, 'ID');
  if (id === undefined || attributeOf(referenceOf(signature), 'URI') !== `#${id}`) {
    refuse('saml_wrapping', 'a signature covers something other than its parent');
  }
}

function checkTransforms(signature: Element, algorithms: SamlAlgorithms): void {
  const transforms = onlyChild(referenceOf(signature), NS.signature, 'Transforms', 'saml_signature');
  checkChildNames(transforms, ['Transform']);
  const each = childrenNamed(transforms, NS.signature, 'Transform');
  if (each.length > MAX_TRANSFORMS) refuse('saml_algorithm', 'a signature has too many transforms');
  for (const transform of each) {
    checkAlgorithm(transform, algorithms.transform);
    checkParameters(transform);
  }
}

function checkDigestMethod(signature: Element, { digest }: SamlAlgorithms): void {
  checkAlgorithm(onlyChild(referenceOf(signature), NS.signature, 'DigestMethod', 'saml_signature'), digest);
}

/** CVE-2025-29775: a comment in the DigestValue made two readers see two digests. */
function checkDigestValue(signature: Element): void {
  checkBase64(onlyChild(referenceOf(signature), NS.signature, 'DigestValue', 'saml_signature'));
}

function checkSignatureValue(signature: Element): void {
  checkBase64(onlyChild(signature, NS.signature, 'SignatureValue', 'saml_signature'));
}

/** Exclusive canonicalization takes a list of prefixes (Exclusive XML Canonicalization §4), the rest takes nothing. */
function checkParameters(method: Element): void {
  const parameters = childElements(method);
  const prefixes = parameters.filter((child) => isNamed(child, NS.exclusive, 'InclusiveNamespaces'));
  if (prefixes.length !== parameters.length || prefixes.length > 1) {
    refuse('saml_algorithm', `${method.localName} has parameters that it may not`);
  }
}

function checkBase64(element: Element): void {
  if (!BASE64.test(textOf(element, 'saml_signature')))
    refuse('saml_signature', 'a signature value is not base64');
}

function checkChildNames(parent: Element, allowed: readonly string[]): void {
  for (const child of childElements(parent)) {
    if (child.namespaceURI !== NS.signature || !allowed.includes(child.localName)) {
      refuse('saml_signature', `${parent.localName} contains an element that it may not`);
    }
  }
}

export function checkAlgorithm(element: Element, allowed: readonly string[]): void {
  if (!allowed.includes(attributeOf(element, 'Algorithm') ?? '')) {
    refuse('saml_algorithm', `the algorithm of ${element.localName} is not allowed`);
  }
}

function signedInfoOf(signature: Element): Element {
  return onlyChild(signature, NS.signature, 'SignedInfo', 'saml_signature');
}

function referenceOf(signature: Element): Element {
  return onlyChild(signedInfoOf(signature), NS.signature, 'Reference', 'saml_signature');
}
