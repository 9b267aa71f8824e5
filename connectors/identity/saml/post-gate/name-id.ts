/** The subject's NameID (SAML Core §2.2.3, §8.3). */

import { NAME_ID_LENGTH } from '../../../../bridge/lib/limits.ts';
import { NS } from '../names.ts';
import { refuse } from '../refuse.ts';
import { attributeOf, onlyChild, textOf } from '../xml.ts';

export interface NameId {
  readonly value: string;
  readonly format: string | undefined;
}

/** An encrypted or missing NameID is refused as well: EncryptedID is not asked for. */
export function readNameId(
  assertion: Element,
  expected: { idpEntityId: string; spEntityId: string },
): NameId {
  const subject = onlyChild(assertion, NS.assertion, 'Subject', 'saml_subject');
  const nameId = onlyChild(subject, NS.assertion, 'NameID', 'saml_subject');
  checkQualifier(nameId, 'NameQualifier', expected.idpEntityId);
  checkQualifier(nameId, 'SPNameQualifier', expected.spEntityId);
  const value = textOf(nameId, 'saml_subject');
  if (value === '') refuse('saml_subject', 'the NameID is empty');
  if (value.length > NAME_ID_LENGTH) refuse('saml_subject', 'the NameID is too long');
  return { value, format: attributeOf(nameId, 'Format') };
}

/** The same value under another qualifier is another person (§8.3.7), and we keep the value alone. */
function checkQualifier(nameId: Element, name: string, expected: string): void {
  const qualifier = attributeOf(nameId, name);
  if (qualifier !== undefined && qualifier !== expected) {
    refuse('saml_subject', `the ${name} of the NameID is another one`);
  }
}
