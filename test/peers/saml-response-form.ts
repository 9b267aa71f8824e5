import type { HeadlessBrowser, Page } from '../fakes/headless-browser.ts';

/** Both SAML peers send the page that carries the response by a script in another file, which this stands for. */
export async function carryResponse(browser: HeadlessBrowser, page: Page): Promise<Page> {
  const form = page.forms.find(({ fields }) => 'SAMLResponse' in fields);
  return form === undefined ? page : browser.submit(page, form);
}
