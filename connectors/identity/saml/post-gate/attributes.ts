/** AttributeStatement (SAML Core §2.7.3). Names and values are the IdP's; a Map has no `__proto__`. */

import { SAML_ATTRIBUTE_VALUES, SAML_ATTRIBUTES, SAML_VALUE_LENGTH } from '../../../../bridge/lib/limits.ts';
import { NS } from '../names.ts';
import { refuse } from '../refuse.ts';
import { attributeOf, childElements, childrenNamed, isNamed, plainText } from '../xml.ts';

/** By name. A value that is not plain text is undefined: it hurts only who wants to read it. */
export type SamlAttributes = ReadonlyMap<string, readonly (string | undefined)[]>;

export function readAttributes(assertion: Element): SamlAttributes {
  const statements = childrenNamed(assertion, NS.assertion, 'AttributeStatement');
  const elements = statements.flatMap(childElements);
  if (elements.length > SAML_ATTRIBUTES) refuse('saml_attributes', 'too many attributes');
  const attributes = new Map<string, readonly (string | undefined)[]>();
  let values = 0;
  for (const element of elements) {
    const [name, texts] = readAttribute(element);
    // Which of two would win depends on the reader, so neither does.
    if (attributes.has(name)) refuse('saml_attributes', 'an attribute is given twice');
    values += texts.length;
    if (values > SAML_ATTRIBUTE_VALUES) refuse('saml_attributes', 'too many attribute values');
    attributes.set(name, texts);
  }
  return attributes;
}

/** All values of the first of `names` that the assertion has; empty ones are left out. */
export function mappedValues(attributes: SamlAttributes, names: readonly string[]): string[] {
  const name = names.find((candidate) => attributes.has(candidate));
  const values = name === undefined ? [] : (attributes.get(name) ?? []);
  return values
    .map((value) => value ?? refuse('saml_attributes', 'a mapped attribute is not plain text'))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

function readAttribute(element: Element): [name: string, values: (string | undefined)[]] {
  if (!isNamed(element, NS.assertion, 'Attribute')) refuse('saml_attributes', 'an attribute is encrypted');
  const name = attributeOf(element, 'Name');
  if (name === undefined || name === '') refuse('saml_attributes', 'an attribute has no name');
  return [name, childrenNamed(element, NS.assertion, 'AttributeValue').map(readValue)];
}

function readValue(value: Element): string | undefined {
  const text = plainText(value);
  if (text !== undefined && text.length > SAML_VALUE_LENGTH) {
    refuse('saml_attributes', 'an attribute value is too long');
  }
  return text;
}
