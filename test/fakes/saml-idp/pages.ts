import { createHash } from 'node:crypto';

const SUBMIT = 'document.forms[0].submit()';
const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;background:#eef1f5;color:#1c2733;display:grid;place-items:center;min-height:100vh;margin:0}' +
  'main{background:#fff;border-radius:12px;padding:2rem 2.5rem;box-shadow:0 6px 30px #0002;width:20rem}' +
  'h1{font-size:1.25rem;margin:0 0 .25rem}p{margin:.25rem 0 1rem;color:#5a6875}label{display:block;margin:.75rem 0}' +
  'input[type=text],input[type=password]{width:100%;box-sizing:border-box;padding:.5rem;font:inherit;border:1px solid #b7c1cc;border-radius:6px}' +
  'button{width:100%;padding:.6rem;font:inherit;font-weight:600;color:#fff;background:#2457c5;border:0;border-radius:6px;cursor:pointer}' +
  '.fault{color:#a3122c}';

export const SECURITY_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; style-src '${digest(STYLE)}'; script-src '${digest(SUBMIT)}'; frame-ancestors 'none'; base-uri 'none'`,
};

export interface LoginPage {
  readonly title: string;
  readonly serviceProvider: string;
  /** Where the form posts: the request with its signature stays in the query. */
  readonly action: string;
  readonly hint: string;
  readonly fault: string | null;
}

export function loginPage(page: LoginPage): string {
  const fault = page.fault === null ? '' : `<p class="fault" role="alert">${html(page.fault)}</p>`;
  return document(
    page.title,
    `<h1>${html(page.title)}</h1><p>to go on to ${html(page.serviceProvider)}</p>${fault}` +
      `<form method="post" action="${html(page.action)}">` +
      `<label>User name<input type="text" name="username" autocomplete="username" required autofocus value="${html(page.hint)}"></label>` +
      '<label>Password<input type="password" name="password" autocomplete="current-password" required></label>' +
      '<button type="submit">Sign in</button></form>',
  );
}

/** The POST binding: a form that sends itself to the assertion consumer service. */
export function postPage(acsUrl: string, fields: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${html(name)}" value="${html(value)}">`,
  );
  return document(
    'Signing you in',
    `<h1>Signing you in…</h1><form method="post" action="${html(acsUrl)}">${inputs.join('')}` +
      `<noscript><button type="submit">Continue</button></noscript></form><script>${SUBMIT}</script>`,
  );
}

export function faultPage(fault: string): string {
  return document(
    'Sign-in refused',
    `<h1>Sign-in refused</h1><p class="fault" role="alert">${html(fault)}</p>`,
  );
}

function document(title: string, body: string): string {
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${html(title)}</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>`
  );
}

function digest(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`;
}

function html(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
