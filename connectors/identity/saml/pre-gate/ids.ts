/** IDs: a signature says what it covers by ID, so an ID must be a plain name and name one element. */
import { refuse } from '../refuse.ts';
import { attributesOf } from '../xml.ts';

const ID_ATTRIBUTES = new Set(['id', 'ID', 'Id', 'iD']);
// The ASCII part of NCName (Namespaces in XML §3): no quote can reach an XPath expression.
const NC_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/;

/** Every ID attribute of any spelling (`ID`, `Id`, `id`, `xml:id`, `wsu:Id`): parsers differ in which they honour. */
export function checkIds(elements: readonly Element[]): void {
  const seen = new Set<string>();
  for (const attribute of elements.flatMap(attributesOf)) {
    if (!ID_ATTRIBUTES.has(attribute.localName)) continue;
    if (!NC_NAME.test(attribute.value)) refuse('saml_malformed', 'an ID is not a name');
    if (seen.has(attribute.value)) refuse('saml_duplicate_id', 'an ID is given twice');
    seen.add(attribute.value);
  }
}

/** A prefix without namespace is an element that two parsers may read as two different ones. */
export function checkNamespacesBound(elements: readonly Element[]): void {
  for (const element of elements) {
    if (!element.namespaceURI) refuse('saml_malformed', 'an element is in no namespace');
    for (const attribute of attributesOf(element)) {
      if (attribute.prefix && !attribute.namespaceURI)
        refuse('saml_malformed', 'an attribute prefix is unbound');
    }
  }
}
