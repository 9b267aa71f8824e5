import type { BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADA, GWEN, HAL } from '../../demo/stage/people.ts';
import { loaded, openApp, outcome, signedIn, signInByPopup, signInByRedirect } from './app-at-work.ts';
import { type Companies, startCompanies } from './companies.ts';
import { NO_BROWSER } from './find-browser.ts';

const ADDED = 'a browser that another one adds';
let companies: Companies;
/** Ada's first browser, in which she is enrolled. */
let first: BrowserContext;
const opened: BrowserContext[] = [];

async function openBrowser(profile: string): Promise<BrowserContext> {
  const context = await companies.browsers.open(profile);
  opened.push(context);
  return context;
}

const adaUrl = () => companies.pageUrl(ADA);

describe.skipIf(NO_BROWSER !== undefined)('a web app', () => {
  beforeAll(async () => {
    companies = await startCompanies();
    first = await companies.browsers.open('ada');
    const page = await signedIn(companies, first, ADA);
    await page.evaluate(() => window.app.client.enrol({ label: 'first browser' }));
  });
  afterEach(async () => {
    for (const context of opened.splice(0)) await context.close();
  });
  afterAll(() => companies?.close());
  afterAll(() => first?.close());

  it('signs a person in by redirect, enrols them, and has their keys after a reload and a restart', async () => {
    const browser = await openBrowser('gwen');
    const page = await openApp(browser, companies.pageUrl(GWEN));
    expect(await signInByRedirect(page, GWEN)).toBe('completed');
    expect(new URL(page.url()).search).toBe('');
    await loaded(page);
    const enrolment = await page.evaluate(() => window.app.client.enrol({ label: 'browser' }));
    expect(enrolment.verified).toMatchObject({ level: 'logged', statement: { address: GWEN.address } });

    await page.reload();
    await loaded(page);
    const { deviceId } = await page.evaluate(() => window.app.client.me());
    await browser.close();
    const again = await openApp(await openBrowser('gwen'), companies.pageUrl(GWEN));
    const me = await again.evaluate(() => window.app.client.me());
    expect(me).toMatchObject({ deviceId, verified: { level: 'logged' } });
    expect(me.deviceBinding).not.toBeNull();
  });

  it('signs a person in by popup, while the page stays as it is', async () => {
    const page = await openApp(await openBrowser('ada-popup'), adaUrl());
    await page.evaluate(() => document.body.setAttribute('data-untouched', 'yes'));
    expect(await signInByPopup(page, ADA)).toBe('no error');
    expect(await page.getAttribute('body', 'data-untouched')).toBe('yes');
    const me = await page.evaluate(() => window.app.client.me());
    expect(me).toMatchObject({ addresses: [ADA.address], deviceBinding: null });
  });

  it('lets the person give a popup up', async () => {
    const page = await openApp(await openBrowser('ada-gives-up'), adaUrl());
    const opening = page.waitForEvent('popup');
    await page.click('#popup');
    await (await opening).waitForURL(`${companies.stage.acme.get().issuer}/sign-in/**`);
    await page.evaluate(() => window.app.giveUp.abort());
    expect(await outcome(page)).toBe('aborted');
    expect(await page.evaluate(() => window.app.client.signedIn())).toBe(false);
  });

  it('does nothing with a callback that nobody waits for', async () => {
    const page = await openApp(await openBrowser('lured'), adaUrl());
    await page.goto(
      `${new URL(adaUrl()).origin}/callback?code=stolen&state=guessed&iss=https://evil.example`,
    );
    expect(await outcome(page)).toBe('sign_in_mismatch');
    await loaded(page);
    expect(await page.evaluate(() => window.app.client.signedIn())).toBe(false);
  });

  it('is added by another browser after the person compared six digits', async () => {
    const page = await signedIn(companies, await openBrowser(ADDED), ADA);
    const approver = await openApp(first, adaUrl());
    const adding = page.evaluate(async () => {
      const addition = await window.app.client.requestDevice({ label: 'second', method: 'code' });
      document.title = await addition.showCode();
      return addition.waitForApproval();
    });
    const compared = await approver.evaluate(async () => {
      const { client } = window.app;
      let pending = await client.listDeviceRequests();
      while (pending.length === 0) pending = await client.listDeviceRequests();
      const digits: string[] = [];
      const confirmCode = async (shown: string) => {
        digits.push(shown);
        return true;
      };
      await client.approveDevice(pending[0]?.id ?? '', { confirmCode });
      return digits;
    });
    const { device } = await adding;
    expect(compared).toEqual([await page.title()]);
    expect(compared[0]).toMatch(/^[0-9]{6}$/);
    expect((await page.evaluate(() => window.app.client.me())).deviceId).toBe(device.device_id);
  });

  it('is added by its fingerprint, and by no other', async () => {
    const page = await signedIn(companies, await openBrowser('ada-fingerprint'), ADA);
    const approver = await openApp(first, adaUrl());
    const asked = await page.evaluate(async () => {
      const addition = await window.app.client.requestDevice({ label: 'third', method: 'fingerprint' });
      Object.assign(window, { addition });
      return { id: addition.id, fingerprint: addition.fingerprint };
    });
    const approve = (request: { id: string; fingerprint: string }) =>
      approver.evaluate(
        ({ id, fingerprint }) =>
          window.app.codeOf(() => window.app.client.approveDevice(id, { fingerprint })),
        request,
      );
    const misread = `${asked.fingerprint.slice(0, -1)}${asked.fingerprint.endsWith('A') ? 'E' : 'A'}`;
    expect(await approve({ ...asked, fingerprint: misread })).toBe('device_comparison');
    expect(await approve(asked)).toBe('no error');
    const { deviceBinding } = await page.evaluate(() => window.app.client.me());
    expect(deviceBinding).not.toBeNull();
  });

  it('looks up and verifies across companies, and offline what it has seen before', async () => {
    const page = await openApp(first, adaUrl());
    const [answer] = await page.evaluate((address) => window.app.client.lookUp([address]), HAL.address);
    expect(answer).toMatchObject({
      status: 'verified',
      level: 'logged',
      statement: { address: HAL.address },
    });
    const shown = (await companies.stage.hal.get().client.me()).credential;
    await first.setOffline(true);
    const verify = (address: string) =>
      page.evaluate(
        async (given) => {
          const { client, codeOf } = window.app;
          const { credential } = given;
          if (credential === null) return 'nothing shown';
          return codeOf(() => client.verifyOffline(credential, given.address));
        },
        { credential: shown, address },
      );
    try {
      expect(await verify(HAL.address)).toBe('no error');
      expect(await verify(GWEN.address)).not.toBe('no error');
      expect(await page.evaluate(() => window.app.codeOf(() => window.app.client.me()))).toBe(
        'bridge_unreachable',
      );
    } finally {
      await first.setOffline(false);
    }
  });

  it('renews one session from two tabs without ending it', async () => {
    const browser = await openBrowser('ada-two-tabs');
    const tabs = [await signedIn(companies, browser, ADA), await openApp(browser, adaUrl())];
    await tabs[0]?.evaluate(async () => {
      const { keyStore } = window.app.stores;
      const secrets = await keyStore.load();
      if (secrets?.tokens == null) throw new Error('nobody is signed in');
      await keyStore.save({ ...secrets, tokens: { ...secrets.tokens, expires: 0 } });
    });
    const ask = () => window.app.codeOf(() => window.app.client.me());
    const asked = [...tabs, ...tabs].map((tab) => tab.evaluate(ask));
    expect(await Promise.all(asked)).toEqual(Array(4).fill('no error'));
  });

  it('forgets the device at a sign-out that says so: the next sign-in is a new one', async () => {
    const page = await signedIn(companies, await openBrowser('ada-leaves'), ADA);
    const { deviceId } = await page.evaluate(() => window.app.client.me());
    await page.evaluate(() => window.app.client.signOut({ forgetDevice: true }));
    expect(await page.evaluate(() => window.app.stores.keyStore.load())).toBeNull();
    expect(await page.evaluate(() => window.app.codeOf(() => window.app.client.me()))).toBe(
      'sign_in_required',
    );
    // The identity provider would not ask again.
    await page.context().clearCookies();
    await page.goto(adaUrl());
    await signInByRedirect(page, ADA);
    await loaded(page);
    expect((await page.evaluate(() => window.app.client.me())).deviceId).not.toBe(deviceId);
  });

  it('is answered by the bridge only at an origin that is registered', async () => {
    const page = await openApp(await openBrowser('elsewhere'), companies.strangePageUrl(ADA));
    await page.click('#popup');
    expect(await outcome(page)).toBe('bridge_unreachable');
  });

  it('needs nothing that its content security policy forbids', async () => {
    const page = await openApp(first, adaUrl());
    await page.evaluate(() => window.app.client.me());
    expect(await page.evaluate(() => window.app.violations)).toEqual([]);
  });
});
