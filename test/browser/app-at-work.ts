import type { BrowserContext, Page } from 'playwright-core';
import type { Person } from '../../demo/stage/people.ts';
import { type Companies, walkThroughSignIn } from './companies.ts';

/** The web app as a person has it before them. */
export async function openApp(browser: BrowserContext, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  await loaded(page);
  return page;
}

export async function loaded(page: Page): Promise<void> {
  await page.waitForFunction(() => window.app !== undefined);
}

/** What the page says of the sign-in that came back to it. */
export async function signInByRedirect(page: Page, person: Person): Promise<string> {
  await page.click('#redirect');
  await walkThroughSignIn(page, person);
  await page.waitForURL('**/callback');
  return outcome(page);
}

/** What the page that opened the popup says; the popup closes itself. */
export async function signInByPopup(page: Page, person: Person): Promise<string> {
  const opening = page.waitForEvent('popup');
  await page.click('#popup');
  const popup = await opening;
  const closed = popup.waitForEvent('close');
  await walkThroughSignIn(popup, person);
  await closed;
  return outcome(page);
}

/** What the page tells the person. */
export async function outcome(page: Page): Promise<string> {
  const shown = await page.waitForFunction(() => document.querySelector('output')?.textContent);
  return String(await shown.jsonValue());
}

/** A browser of this profile in which the person is signed in. */
export async function signedIn(companies: Companies, browser: BrowserContext, person: Person): Promise<Page> {
  const page = await openApp(browser, companies.pageUrl(person));
  await signInByRedirect(page, person);
  await loaded(page);
  return page;
}
