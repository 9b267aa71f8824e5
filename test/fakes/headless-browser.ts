import { createCookieJar } from './cookie-jar.ts';
import { formsOf, type HtmlForm } from './html-forms.ts';

/** Where the browser is after following redirects and forms that send themselves. */
export interface Page {
  readonly url: string;
  /** 0 where the browser stopped before asking. */
  readonly status: number;
  readonly html: string;
  readonly forms: readonly HtmlForm[];
  /** The address begins with one of `stopAt`: it was not asked for. A POST that was about to go there is in `posted`. */
  readonly stopped: boolean;
  readonly posted: Readonly<Record<string, string>> | null;
}

/** A browser without a screen or scripts, with cookies as browsers keep them: it drives sign-ins. */
export interface HeadlessBrowser {
  /** Goes to `url` as if a person had typed it. */
  open(url: string): Promise<Page>;
  /** Sends a form of `page`, with `fields` in place of or beside its own. */
  submit(page: Page, form: HtmlForm, fields?: Readonly<Record<string, string>>): Promise<Page>;
  /** Fills `username` and `password` into the page's first form that asks for a password, and sends it. */
  signIn(page: Page, username: string, password: string): Promise<Page>;
}

interface Navigation {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly fields: Readonly<Record<string, string>>;
  readonly initiator: URL | undefined;
}

const HOPS = 20;

/** `fetch` decides which names exist and whom TLS trusts; `stopAt` are the beginnings of URLs to stop before. */
export function createHeadlessBrowser(options: {
  fetch: typeof fetch;
  stopAt?: readonly string[];
}): HeadlessBrowser {
  const jar = createCookieJar();
  const stopAt = options.stopAt ?? [];

  async function go(first: Navigation): Promise<Page> {
    let next = first;
    for (let hop = 0; hop < HOPS; hop += 1) {
      if (stopAt.some((beginning) => next.url.href.startsWith(beginning))) return stoppedBefore(next);
      const response = await request(next);
      const location = response.headers.get('location');
      if (response.status >= 300 && response.status < 400 && location !== null) {
        await response.body?.cancel();
        next = redirected(next, response.status, location);
        continue;
      }
      const page = await pageOf(next.url.href, response);
      const [form] = page.forms.filter((candidate) => candidate.submitsItself);
      if (form === undefined) return page;
      next = sending(page, form, {});
    }
    throw new Error(`More than ${HOPS} redirects, last to ${next.url.href}`);
  }

  async function request({ url, method, fields, initiator }: Navigation): Promise<Response> {
    const headers = new Headers({ accept: 'text/html,application/xhtml+xml' });
    const cookie = jar.header({ url, method, initiator });
    if (cookie !== undefined) headers.set('cookie', cookie);
    if (method === 'POST' && initiator !== undefined) headers.set('origin', initiator.origin);
    const response = await options.fetch(url.href, {
      method,
      headers,
      redirect: 'manual',
      ...(method === 'POST' ? { body: new URLSearchParams(fields) } : {}),
    });
    jar.store(url, response.headers.getSetCookie());
    return response;
  }

  return {
    open: (url) => go({ url: new URL(url), method: 'GET', fields: {}, initiator: undefined }),
    submit: (page, form, fields = {}) => go(sending(page, form, fields)),
    signIn(page, username, password) {
      const form = page.forms.find((candidate) => Object.hasOwn(candidate.fields, 'password'));
      if (form === undefined) throw new Error(`No password is asked for at ${page.url} (${page.status})`);
      return go(sending(page, form, { username, password }));
    },
  };
}

function sending(page: Page, form: HtmlForm, fields: Readonly<Record<string, string>>): Navigation {
  const all = { ...form.fields, ...fields };
  const url = new URL(form.action);
  if (form.method === 'GET') url.search = new URLSearchParams(all).toString();
  return { url, method: form.method, fields: form.method === 'GET' ? {} : all, initiator: new URL(page.url) };
}

/** 307 and 308 keep the method and the body; after the others browsers go on with GET. */
function redirected(from: Navigation, status: number, location: string): Navigation {
  const url = new URL(location, from.url);
  const kept = status === 307 || status === 308;
  return kept ? { ...from, url } : { url, method: 'GET', fields: {}, initiator: from.initiator };
}

function stoppedBefore({ url, method, fields }: Navigation): Page {
  const posted = method === 'POST' ? fields : null;
  return { url: url.href, status: 0, html: '', forms: [], stopped: true, posted };
}

async function pageOf(url: string, response: Response): Promise<Page> {
  const html = await response.text();
  return { url, status: response.status, html, forms: formsOf(html, url), stopped: false, posted: null };
}
