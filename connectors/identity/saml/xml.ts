/**
 * Reading XML after it has passed pre-gate/well-formed.ts. Namespaces are always compared, prefixes never; text is
 * read only where an element has nothing but text in it, so that no node can cut a value short (CVE-2018-7340).
 */
import { DOMParser } from '@xmldom/xmldom';
import type { ErrorCode } from '../../../protocol/errors.ts';
import { refuse } from './refuse.ts';

const ELEMENT = 1;
const TEXT = 3;

/** Parses text that checkWellFormed has accepted; whatever the parser still has to say is a refusal. */
export function parseXml(xml: string): Document {
  const errorHandler = (_level: string, message: unknown) =>
    refuse('saml_malformed', 'the XML does not parse', message);
  return new DOMParser({ locator: {}, errorHandler }).parseFromString(xml, 'text/xml');
}

export function rootOf(document: Document): Element {
  return document.documentElement ?? refuse('saml_malformed', 'there is no root element');
}

export function isNamed(node: Node | null, namespace: string, name: string): node is Element {
  return node !== null && isElement(node) && node.namespaceURI === namespace && node.localName === name;
}

export function isElement(node: Node): node is Element {
  return node.nodeType === ELEMENT;
}

export function childElements(parent: Node): Element[] {
  return childNodes(parent).filter(isElement);
}

export function childrenNamed(parent: Node, namespace: string, name: string): Element[] {
  return childElements(parent).filter((child) => isNamed(child, namespace, name));
}

/** The one child of that name; none or several are refused with `code`. */
export function onlyChild(parent: Node, namespace: string, name: string, code: ErrorCode): Element {
  return optionalChild(parent, namespace, name, code) ?? refuse(code, `no ${name}`);
}

/** The child of that name or undefined; several are refused with `code`. */
export function optionalChild(
  parent: Node,
  namespace: string,
  name: string,
  code: ErrorCode,
): Element | undefined {
  const [first, second] = childrenNamed(parent, namespace, name);
  if (second !== undefined) refuse(code, `more than one ${name}`);
  return first;
}

/** `root` and every element below it, in document order. */
export function elementsOf(root: Element): Element[] {
  return [root, ...childElements(root).flatMap(elementsOf)];
}

export function attributesOf(element: Element): Attr[] {
  const attributes: Attr[] = [];
  for (let index = 0; index < element.attributes.length; index += 1) {
    const attribute = element.attributes.item(index);
    if (attribute !== null) attributes.push(attribute);
  }
  return attributes;
}

/** An attribute without namespace, or undefined. */
export function attributeOf(element: Element, name: string): string | undefined {
  return element.hasAttribute(name) ? (element.getAttribute(name) ?? undefined) : undefined;
}

/** The whole text of an element that contains nothing but text; undefined where it contains anything else. */
export function plainText(element: Element): string | undefined {
  const nodes = childNodes(element);
  return nodes.every((node) => node.nodeType === TEXT)
    ? nodes.map((node) => node.nodeValue ?? '').join('')
    : undefined;
}

/** plainText without surrounding white space; anything but text is refused with `code`. */
export function textOf(element: Element, code: ErrorCode): string {
  return plainText(element)?.trim() ?? refuse(code, `${element.localName} contains more than text`);
}

export function escapeXml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? '');
}

function childNodes(parent: Node): Node[] {
  const nodes: Node[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) nodes.push(node);
  return nodes;
}
