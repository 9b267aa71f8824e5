/**
 * A strict reading of the raw text, before any parser sees it: the parsers behind the signature check are lenient
 * (they repair unquoted attributes and stray text) and differ from each other, and what they differ about is where
 * signature wrapping starts (CVE-2025-25291, CVE-2025-25292). Linear in the text; it recurses nowhere.
 *
 * Comments, CDATA sections and processing instructions are refused everywhere: no identity provider needs them, and
 * each has cut or moved a signed value in some library.
 */

import {
  XML_ATTRIBUTES,
  XML_ATTRIBUTES_TOTAL,
  XML_DEPTH,
  XML_ELEMENTS,
} from '../../../../bridge/lib/limits.ts';
import type { ErrorCode } from '../../../../protocol/errors.ts';
import { refuse } from '../refuse.ts';

const DECLARATION =
  /^\uFEFF?(?:<\?xml\s+version=(["'])1\.0\1(?:\s+encoding=(["'])([A-Za-z0-9._-]+)\2)?(?:\s+standalone=(["'])(?:yes|no)\4)?\s*\?>)?/;
// XML 1.0 §2.3: fewer characters than \s and trim() take for white space.
const S = '[ \\t\\r\\n]';
const NOT_SPACE = /[^ \t\r\n]/;
const NAME = '[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?';
const TAG = new RegExp(
  `<(?:/(${NAME})${S}*>|(${NAME})((?:${S}+${NAME}${S}*=${S}*(?:"[^"<]*"|'[^'<]*'))*)${S}*(/?)>)`,
  'y',
);
const ATTRIBUTE = new RegExp(`${S}(${NAME})${S}*=`, 'g');
const QUOTED = /"[^"]*"|'[^']*'/g;
// XML 1.0 §2.2: control characters are none (lone surrogates cannot come out of a UTF-8 decoder). U+2028 is one, but
// the parser would turn it into a line break, as it would U+0085.
const NOT_A_CHARACTER = /[^\t\n\r\P{Cc}]|[\u2028\uFFFE\uFFFF]/u;
const REFERENCE = /&(?:(?:amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));|&/g;

/** One check over the whole text. */
interface TextRule {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly broken: (text: string) => boolean;
}

const TEXT_RULES: readonly TextRule[] = [
  {
    code: 'saml_doctype',
    detail: 'document type declaration',
    broken: (text) => /<!\s*(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)/i.test(text),
  },
  { code: 'saml_malformed', detail: 'comment', broken: (text) => text.includes('<!--') },
  {
    code: 'saml_malformed',
    detail: 'CDATA section',
    broken: (text) => text.includes('<![') || text.includes(']]>'),
  },
  { code: 'saml_malformed', detail: 'processing instruction', broken: (text) => text.includes('<?') },
  {
    code: 'saml_malformed',
    detail: 'character that XML does not allow',
    broken: (text) => NOT_A_CHARACTER.test(text),
  },
  { code: 'saml_malformed', detail: 'entity that XML does not define', broken: hasForeignReference },
];

/** Refuses what is not strictly well-formed; returns the text without byte order mark and XML declaration. */
export function checkWellFormed(xml: string): string {
  const declaration = DECLARATION.exec(xml);
  const encoding = declaration?.[3] ?? 'UTF-8';
  if (encoding.toUpperCase() !== 'UTF-8') refuse('saml_malformed', 'the encoding is not UTF-8');
  const text = xml.slice(declaration?.[0].length ?? 0).replace(/^[ \t\r\n]+/, '');
  for (const rule of TEXT_RULES) if (rule.broken(text)) refuse(rule.code, rule.detail);
  checkTags(text);
  return text;
}

function hasForeignReference(text: string): boolean {
  for (const [whole, decimal, hexadecimal] of text.matchAll(REFERENCE)) {
    if (whole === '&') return true;
    if (decimal === undefined && hexadecimal === undefined) continue;
    const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal);
    const surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code > 0x10ffff || surrogate || NOT_A_CHARACTER.test(String.fromCodePoint(code))) return true;
  }
  return false;
}

function checkTags(text: string): void {
  const open: string[] = [];
  let elements = 0;
  let attributeCount = 0;
  let position = 0;
  while (position < text.length) {
    TAG.lastIndex = position;
    const tag = TAG.exec(text);
    if (tag === null) refuse('saml_malformed', 'a tag is malformed');
    const [whole, closing, opening, attributes = '', empty] = tag;
    position += whole.length;
    if (closing !== undefined) {
      if (open.pop() !== closing) refuse('saml_malformed', 'tags do not nest');
    } else if (opening !== undefined) {
      if (open.length === 0 && elements > 0) refuse('saml_malformed', 'more than one root element');
      elements += 1;
      if (elements > XML_ELEMENTS) refuse('saml_too_large', 'too many elements');
      if (open.length >= XML_DEPTH) refuse('saml_too_large', 'elements are nested too deep');
      attributeCount += countAttributes(attributes);
      if (attributeCount > XML_ATTRIBUTES_TOTAL) refuse('saml_too_large', 'too many attributes');
      if (empty !== '/') open.push(opening);
    }
    const next = text.indexOf('<', position);
    const end = next === -1 ? text.length : next;
    if (open.length === 0 && NOT_SPACE.test(text.slice(position, end))) {
      refuse('saml_malformed', 'text outside the root element');
    }
    position = end;
  }
  if (elements === 0 || open.length > 0) refuse('saml_malformed', 'the document is not complete');
}

function countAttributes(attributes: string): number {
  const names = [...attributes.replace(QUOTED, '').matchAll(ATTRIBUTE)].map((match) => match[1]);
  if (names.length > XML_ATTRIBUTES) refuse('saml_too_large', 'too many attributes of an element');
  if (new Set(names).size !== names.length) refuse('saml_malformed', 'an attribute is given twice');
  return names.length;
}
