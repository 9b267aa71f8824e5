import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyPins } from '../../client/pin-store.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { openApp } from './app-at-work.ts';
import { createBrowsers } from './chromium.ts';
import { NO_BROWSER } from './find-browser.ts';
import { type PageServer, startPageServer } from './page-server.ts';

const PINS = emptyPins('https://bridge.acme.example');

let folder: string;
let server: PageServer;
let browser: BrowserContext;
let url: string;
/** Two tabs of one origin. */
let page: Page;
let otherTab: Page;

describe.skipIf(NO_BROWSER !== undefined)('stores in IndexedDB', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-browser-'));
    const ca = await createThrowawayCa();
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, ca.certificatePem);
    server = await startPageServer(await ca.issue(['app.localhost']), []);
    browser = await (await createBrowsers(folder, caFile)).open('stores');
    url = `https://app.localhost:${server.port}/?bridge=${encodeURIComponent(PINS.issuer)}`;
    page = await openApp(browser, url);
    otherTab = await openApp(browser, url);
  });
  beforeEach(async () => {
    await page.evaluate(async () => {
      for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name ?? '');
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  it('have nothing before something is stored', async () => {
    const found = await page.evaluate(async () => {
      const { keyStore, pinStore } = window.app.stores;
      return [await keyStore.load(), await pinStore.read()];
    });
    expect(found).toEqual([null, null]);
  });

  it('give back keys that sign as before in another tab, until they are cleared', async () => {
    await page.evaluate(async () => {
      const { sig, pre } = await window.app.newSecrets();
      const tokens = { accessToken: 'access', refreshToken: null, expires: 1 };
      const issuer = 'https://bridge.acme.example';
      await window.app.stores.keyStore.save({ issuer, sig, pre, tokens });
      localStorage.setItem('pre', pre.join());
      localStorage.setItem('kid', sig.kid);
    });
    const loaded = await otherTab.evaluate(async () => {
      const secrets = await window.app.stores.keyStore.load();
      if (secrets === null) return null;
      const { issuer, tokens, pre, sig } = secrets;
      const same = [pre.join() === localStorage.getItem('pre'), sig.kid === localStorage.getItem('kid')];
      return { issuer, tokens, same, signs: await window.app.signs(sig) };
    });
    expect(loaded).toEqual({
      issuer: PINS.issuer,
      tokens: { accessToken: 'access', refreshToken: null, expires: 1 },
      same: [true, true],
      signs: true,
    });
    await otherTab.evaluate(() => window.app.stores.keyStore.clear());
    expect(await page.evaluate(() => window.app.stores.keyStore.load())).toBeNull();
  });

  it('keep no private key in a form that a script could copy', async () => {
    const found = await page.evaluate(async () => {
      const secrets = {
        issuer: 'https://bridge.acme.example',
        ...(await window.app.newSecrets()),
        tokens: null,
      };
      await window.app.stores.keyStore.save(secrets);
      const database = await new Promise<IDBDatabase>((resolve) => {
        const request = indexedDB.open('account');
        request.onsuccess = () => resolve(request.result);
      });
      const record = await new Promise<Record<string, Record<string, unknown>>>((resolve) => {
        const request = database.transaction('device').objectStore('device').get('current');
        request.onsuccess = () => resolve(request.result);
      });
      database.close();
      const keys = [record.sig?.privateKey, record.pre?.wrappingKey] as CryptoKey[];
      const exported = await Promise.allSettled(
        keys.flatMap((key) => [crypto.subtle.exportKey('jwk', key), crypto.subtle.exportKey('raw', key)]),
      );
      return {
        extractable: keys.map((key) => key.extractable),
        exported: exported.filter(({ status }) => status === 'fulfilled').length,
        plain: String(record.pre?.wrapped).includes(secrets.pre.join()),
        members: Object.keys(record.pre ?? {}).sort(),
      };
    });
    expect(found).toEqual({
      extractable: [false, false],
      exported: 0,
      plain: false,
      members: ['nonce', 'wrapped', 'wrappingKey'],
    });
  });

  it('refuse a signing key that could be exported, and a record that was tampered with', async () => {
    const codes = await page.evaluate(async () => {
      const { stores, newSecrets, codeOf } = window.app;
      const { keyStore } = stores;
      const issuer = 'https://bridge.acme.example';
      const exportable = { issuer, ...(await newSecrets(true)), tokens: null };
      const refused = await codeOf(() => keyStore.save(exportable));
      await keyStore.save({ issuer, ...(await newSecrets()), tokens: null });
      const database = await new Promise<IDBDatabase>((resolve) => {
        const request = indexedDB.open('account');
        request.onsuccess = () => resolve(request.result);
      });
      const objects = () => database.transaction('device', 'readwrite').objectStore('device');
      const record = await new Promise<object>((resolve) => {
        const request = objects().get('current');
        request.onsuccess = () => resolve(request.result);
      });
      const tampered: string[] = [];
      for (const change of [{ issuer: 'https://evil.example' }, { v: 2 }, { extra: 1 }, { sig: {} }]) {
        objects().put({ ...record, ...change }, 'current');
        tampered.push(await codeOf(() => keyStore.load()));
      }
      database.close();
      return { refused, tampered };
    });
    expect(codes).toEqual({ refused: 'key_store_invalid', tampered: Array(4).fill('key_store_invalid') });
  });

  it('let one change of the pins at a time see the latest ones, in all tabs', async () => {
    const raise = (tab: Page) =>
      tab.evaluate(
        async (empty) =>
          Promise.all(
            Array.from({ length: 5 }, () =>
              window.app.stores.pinStore.update(async (pins) => {
                const serial = (pins?.own?.serial ?? 0) + 1;
                // Longer than any transaction of the database lives.
                await new Promise((resolve) => setTimeout(resolve, 5));
                const own = { root_thumbprint: 'A'.repeat(43), serial };
                return { pins: { ...empty, own }, result: serial };
              }),
            ),
          ),
        PINS,
      );
    const raised = (await Promise.all([raise(page), raise(otherTab)])).flat();
    expect(raised.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const pins = await page.evaluate(() => window.app.stores.pinStore.read());
    expect(pins?.own?.serial).toBe(10);
  });

  it('change no pins when the change throws', async () => {
    const kept = await page.evaluate(async (empty) => {
      const { pinStore } = window.app.stores;
      await pinStore.update(async () => ({ pins: empty, result: null }));
      const thrown = await pinStore
        .update(() => Promise.reject(new Error('no')))
        .catch((error: Error) => error.message);
      return { thrown, pins: await pinStore.read() };
    }, PINS);
    expect(kept).toEqual({ thrown: 'no', pins: PINS });
  });

  it('refuse damaged pins rather than take them for none', async () => {
    const code = await page.evaluate(async (empty) => {
      const { pinStore } = window.app.stores;
      await pinStore.update(async () => ({ pins: empty, result: null }));
      await new Promise<void>((resolve) => {
        const request = indexedDB.open('account');
        request.onsuccess = () => {
          const database = request.result;
          const transaction = database.transaction('pins', 'readwrite');
          transaction.objectStore('pins').put('{"v":1', 'current');
          transaction.oncomplete = () => {
            database.close();
            resolve();
          };
        };
      });
      return window.app.codeOf(() => pinStore.read());
    }, PINS);
    expect(code).toBe('pin_store_invalid');
  });
});
