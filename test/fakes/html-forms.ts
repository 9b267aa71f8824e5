/** A form of a page: where it goes, and what it would send if nobody typed anything. */
export interface HtmlForm {
  readonly method: 'GET' | 'POST';
  /** Absolute. */
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The page's script sends it by itself, as SAML's POST binding and form_post do. */
  readonly submitsItself: boolean;
}

/** The forms of `html`, found by their tags: enough for sign-in pages, which are what this is for. */
export function formsOf(html: string, pageUrl: string): HtmlForm[] {
  const submitsItself = /\.submit\(/.test(html);
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, tag = '', inside = '']) => {
    const form = attributesOf(tag);
    return {
      method: form.get('method')?.toUpperCase() === 'POST' ? 'POST' : 'GET',
      action: new URL(form.get('action') || pageUrl, pageUrl).href,
      fields: fieldsOf(inside),
      submitsItself,
    };
  });
}

function fieldsOf(html: string): Record<string, string> {
  const fields: [string, string][] = [];
  for (const [, tag = ''] of html.matchAll(/<input\b([^>]*)>/gi)) {
    const input = attributesOf(tag);
    const name = input.get('name');
    const type = input.get('type')?.toLowerCase() ?? 'text';
    if (name === undefined || ['submit', 'button', 'image', 'reset'].includes(type)) continue;
    if ((type === 'checkbox' || type === 'radio') && !input.has('checked')) continue;
    fields.push([name, input.get('value') ?? '']);
  }
  for (const [, tag = '', text = ''] of html.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/gi)) {
    const name = attributesOf(tag).get('name');
    if (name !== undefined) fields.push([name, unescapeHtml(text)]);
  }
  return Object.fromEntries(fields);
}

function attributesOf(tag: string): Map<string, string> {
  const found = tag.matchAll(/([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g);
  return new Map(
    [...found].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      unescapeHtml(double ?? single ?? bare ?? ''),
    ]),
  );
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeHtml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number.parseInt(decimal, 10));
    return NAMED[name] ?? whole;
  });
}
