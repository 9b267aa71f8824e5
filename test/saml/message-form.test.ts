/** What a message must look like before a parser sees it. Everything here is decided on the raw text. */
import { beforeAll, describe, expect, test } from 'vitest';
import { checkWellFormed } from '../../connectors/identity/saml/pre-gate/well-formed.ts';
import { processorTime } from '../fakes/processor-time.ts';
import { makeResponse, toField } from '../fakes/saml-idp/make-response.ts';
import { bring, connector, context, expectRefused, REQUEST } from './fixture.ts';

let honest: string;

beforeAll(async () => {
  honest = await makeResponse(context, { signResponse: false });
});

function bringField(SAMLResponse: string) {
  return connector().complete({ protocol: 'saml', form: { SAMLResponse } }, { requestId: REQUEST });
}

/** The honest message with `inserted` before its first `anchor`. */
function inserted(what: string, anchor: string | RegExp = '<saml:Issuer>'): string {
  const changed = honest.replace(anchor, (found) => what + found);
  expect(changed).not.toBe(honest);
  return changed;
}

describe('the form field', () => {
  test('may have line breaks in its base64', async () => {
    const broken = toField(honest).replace(/.{76}/g, '$&\r\n');
    expect(await bringField(broken)).toMatchObject({ subject: 'p-4711' });
  });

  test('is refused when there is none', async () => {
    const empty = connector().complete({ protocol: 'saml', form: {} }, { requestId: REQUEST });
    await expectRefused(empty, 'saml_malformed', /no SAMLResponse/);
    await expectRefused(bringField(''), 'saml_malformed', /no SAMLResponse/);
    await expectRefused(
      connector().complete({ protocol: 'oidc', url: 'https://x.example' }, { requestId: REQUEST }),
      'saml_malformed',
    );
  });

  test.each(['%%%%', 'YQ=', 'YWJj-', 'YQ==YQ==', '=YQ=', 'YWJj\u00a0'])(
    'is refused when it is not base64: %s',
    async (field) => {
      await expectRefused(bringField(field), 'saml_malformed', /not base64/);
    },
  );

  test('is refused when it is not UTF-8', async () => {
    const latin1 = Buffer.from(honest.replace('Rosa', 'R\u00f6sa'), 'latin1').toString('base64');
    await expectRefused(bringField(latin1), 'saml_malformed', /not UTF-8/);
    const utf16 = Buffer.from(`\ufeff${honest}`, 'utf16le').toString('base64');
    await expectRefused(bringField(utf16), 'saml_malformed', /not UTF-8/);
  });

  test('is refused when it is too large', async () => {
    const padded = inserted(' '.repeat(256 * 1024));
    await expectRefused(bring(padded), 'saml_too_large');
    await expectRefused(bringField('%'.repeat(8 * 1024 * 1024)), 'saml_too_large');
  });
});

describe('a document type declaration', () => {
  test.each([
    ['an external entity (XXE)', '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'],
    ['a billion laughs', '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'],
    ['nothing in it', '<!DOCTYPE r>'],
    ['other letters', '<!doctype r>'],
  ])('is refused with %s', async (_name, doctype) => {
    await expectRefused(bring(doctype + honest), 'saml_doctype');
    await expectRefused(bring(`<?xml version="1.0"?>\n${doctype}${honest}`), 'saml_doctype');
  });

  test('is refused inside the message', async () => {
    await expectRefused(bring(inserted('<!DOCTYPE r>')), 'saml_doctype');
    await expectRefused(bring(inserted('<!ENTITY x "y">')), 'saml_doctype');
  });
});

describe('what could cut or move a value is refused', () => {
  test('a comment in the NameID (CVE-2018-7340)', async () => {
    const cut = honest.replace('p-4711', 'p-47<!---->11');
    await expectRefused(bring(cut), 'saml_malformed', /comment/);
    const signed = await makeResponse(context, {
      nameIdXml:
        '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">admin<!---->.evil</saml:NameID>',
    });
    await expectRefused(bring(signed), 'saml_malformed', /comment/);
  });

  test('a comment anywhere else', async () => {
    await expectRefused(bring(inserted('<!-- hello -->')), 'saml_malformed', /comment/);
    await expectRefused(bring(`${honest}<!-- bye -->`), 'saml_malformed', /comment/);
  });

  test('a CDATA section', async () => {
    await expectRefused(bring(honest.replace('p-4711', '<![CDATA[p-4711]]>')), 'saml_malformed', /CDATA/);
  });

  test('a processing instruction', async () => {
    await expectRefused(bring(honest.replace('p-4711', 'p-<?x y?>4711')), 'saml_malformed', /processing/);
    await expectRefused(bring(`<?xml-stylesheet href="x"?>${honest}`), 'saml_malformed', /processing/);
  });

  test.each(['&x;', '&nbsp;', '& ', '&#0;', '&#xD800;', '&#x110000;', '&#11;'])(
    'the reference %s',
    async (reference) => {
      await expectRefused(bring(honest.replace('p-4711', `p${reference}`)), 'saml_malformed', /entity/);
    },
  );

  test.each(['\u0000', '\u000b', '\u0085', '\u2028', '\uffff'])('the character %j', async (character) => {
    await expectRefused(bring(honest.replace('p-4711', `p${character}`)), 'saml_malformed', /character/);
  });
});

describe('what lenient parsers repair is refused', () => {
  test.each([
    ['an attribute without quotes', inTag('x=1'), /tag is malformed/],
    ['an attribute without value', inTag('x'), /tag is malformed/],
    ['an attribute given twice', inTag('x="1" x="2"'), /given twice/],
    ['a less-than sign in an attribute', inTag('x="<"'), /tag is malformed/],
    ['a tag that is not closed', '<a><b></a>', /do not nest/],
    ['a tag that ends too early', '<a></a', /tag is malformed/],
    ['an element that does not end', '<a>', /not complete/],
    ['an end without beginning', '<a/></a>', /do not nest/],
    ['text before the root', 'x<a/>', /tag is malformed|outside the root/],
    ['text after the root', '<a/>x', /outside the root/],
    ['a second root', '<a/><b/>', /more than one root/],
    ['a letter beyond ASCII in a name', '<\u0430/>', /tag is malformed/],
    ['a no-break space for white space', '<a\u00a0x="1"/>', /tag is malformed/],
    ['another version of XML', '<?xml version="1.1"?><a/>', /processing/],
    ['another encoding', '<?xml version="1.0" encoding="UTF-7"?><a/>', /encoding/],
    ['nothing', '', /not complete/],
  ])('%s', async (_name, xml, detail) => {
    await expectRefused(() => checkWellFormed(xml), 'saml_malformed', detail);
  });

  test('a prefix that is bound to nothing', async () => {
    await expectRefused(bring(inserted('<nothing:x/>')), 'saml_malformed', /no namespace/);
    await expectRefused(bring(inserted('<x/>')), 'saml_malformed', /no namespace/);
    await expectRefused(
      bring(honest.replace(' Version=', ' nothing:x="1" Version=')),
      'saml_malformed',
      /prefix/,
    );
  });
});

describe('what is well-formed is let through', () => {
  test.each([
    '<?xml version="1.0" encoding="utf-8" standalone="no"?>\r\n<a/>',
    '\ufeff<a/>\n',
    `<a x='1' y = "2"\n>text &amp; &#x41; </a >`,
    '<p:a xmlns:p="urn:x"><p:b/></p:a>',
    '<a>]]</a>',
  ])('%j', (xml) => {
    expect(checkWellFormed(xml)).toMatch(/^<(p:)?a/);
  });
});

describe('what would cost too much is refused', () => {
  test('elements 20,000 deep, at once', async () => {
    const started = processorTime();
    const deep = '<saml:a>'.repeat(20_000) + '</saml:a>'.repeat(20_000);
    await expectRefused(() => checkWellFormed(inserted(deep)), 'saml_too_large', /too deep/);
    expect(processorTime() - started).toBeLessThan(1);
  });

  test('33 deep', async () => {
    const nest = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth);
    expect(checkWellFormed(nest(32))).toBe(nest(32));
    await expectRefused(() => checkWellFormed(nest(33)), 'saml_too_large', /too deep/);
  });

  test('a flood of elements', async () => {
    await expectRefused(() => checkWellFormed(`<a>${'<b/>'.repeat(3000)}</a>`), 'saml_too_large', /elements/);
  });

  test('a flood of attributes in one element', async () => {
    const many = Array.from({ length: 33 }, (_, index) => ` x${index}=""`).join('');
    await expectRefused(() => checkWellFormed(`<a${many}/>`), 'saml_too_large', /of an element/);
  });

  test('a flood of attributes in all elements together', async () => {
    const flood = `<a>${'<b x="" y="" z=""/>'.repeat(2001)}</a>`;
    await expectRefused(() => checkWellFormed(flood), 'saml_too_large', /^too many attributes$/);
  });

  test('nothing that makes the reading slow', () => {
    const started = processorTime();
    for (const slow of [
      `<a${' '.repeat(200_000)}x`,
      `<a ${'x="" '.repeat(50_000)}`,
      `<${'a'.repeat(200_000)}`,
    ]) {
      expect(() => checkWellFormed(slow)).toThrow();
    }
    expect(processorTime() - started).toBeLessThan(1);
  });
});

function inTag(attributes: string): string {
  return `<a ${attributes}/>`;
}
