import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type Provider from 'oidc-provider';
import type { OidcPerson } from './oidc-idp.ts';

interface SignIn {
  readonly provider: Provider;
  readonly people: readonly OidcPerson[];
  readonly title: string;
}

/** `/sign-in/:uid`: the page, the password sent from it, or (`?cancel`) the person's refusal. */
export async function handleInteraction(
  { provider, people, title }: SignIn,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { params } = await provider.interactionDetails(request, response);
    if (request.url?.endsWith('?cancel') === true) {
      return await provider.interactionFinished(request, response, { error: 'access_denied' });
    }
    if (request.method !== 'POST') return show(response, 200, title, String(params.login_hint ?? ''), '');
    const form = new URLSearchParams(await text(request));
    const username = form.get('username') ?? '';
    const person = people.find((candidate) => [candidate.username, candidate.email].includes(username));
    if (person === undefined || person.password !== form.get('password')) {
      return show(response, 401, title, username, 'The user name or the password is wrong.');
    }
    await provider.interactionFinished(request, response, { login: { accountId: person.sub, amr: ['pwd'] } });
  } catch {
    show(response, 400, title, '', 'This sign-in is over. Go back and start again.');
  }
}

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; background: #eef1f6; color: #1c2430; display: grid;
    place-items: center; min-height: 100vh; margin: 0; }
  main { background: #fff; padding: 2rem 2.5rem; border-radius: 12px; width: 20rem;
    box-shadow: 0 8px 30px #1c243022; }
  h1 { font-size: 1.2rem; margin: 0 0 1rem; }
  label { display: block; margin: .8rem 0; }
  input { width: 100%; box-sizing: border-box; padding: .55rem; font: inherit; border: 1px solid #b6c0cf;
    border-radius: 6px; }
  button { width: 100%; padding: .6rem; font: inherit; color: #fff; background: #2457c5; border: 0;
    border-radius: 6px; cursor: pointer; }
  p { color: #a4262c; min-height: 1.5rem; margin: .5rem 0; }
  a { color: #566; font-size: .9rem; }`;

function show(
  response: ServerResponse,
  status: number,
  title: string,
  username: string,
  fault: string,
): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  response.end(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in – ${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><h1>Sign in to ${escapeHtml(title)}</h1>
<form method="post">
<label>User name <input name="username" autocomplete="username" required value="${escapeHtml(username)}"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<p role="alert">${escapeHtml(fault)}</p>
<button>Sign in</button></form>
<a href="?cancel">Cancel</a></main></body></html>`);
}

function escapeHtml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
