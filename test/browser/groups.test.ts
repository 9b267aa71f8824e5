import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GroupRef } from '../../client/index.ts';
import { ADA, HAL } from '../../demo/stage/people.ts';
import { signedIn } from './app-at-work.ts';
import { type Companies, startCompanies } from './companies.ts';
import { NO_BROWSER } from './find-browser.ts';

let companies: Companies;
let browser: BrowserContext;
/** Ada’s page. Hal, of the other company, has the client in Node. */
let page: Page;
let group: GroupRef;

const hal = () => companies.stage.hal.get().client;

function streamOf(bytes: readonly number[]): ReadableStream<Uint8Array> {
  return new Blob([Uint8Array.from(bytes)]).stream();
}

/** Bytes as a page and Node can hand them to each other. */
async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<number[]> {
  return [...new Uint8Array(await new Response(stream).arrayBuffer())];
}

describe.skipIf(NO_BROWSER !== undefined)('groups and assets in a web app', () => {
  beforeAll(async () => {
    companies = await startCompanies();
    browser = await companies.browsers.open('ada');
    page = await signedIn(companies, browser, ADA);
    await page.evaluate(() => window.app.client.enrol({ label: 'browser' }));
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await companies?.close();
  });

  it('makes a group and adds somebody of another company, with modules that were not loaded before', async () => {
    const loaded = await page.evaluate(() =>
      performance.getEntriesByType('resource').map(({ name }) => name),
    );
    expect(loaded.filter((name) => name.includes('client-on-demand-'))).toEqual([]);
    const made = await page.evaluate(async (address) => {
      const { groups } = window.app.client;
      const { iss, group } = await groups.create({ kind: 'durable', label: 'Minutes' });
      const { added } = await groups.add({ iss, group }, { people: [address] });
      return { iss, group, added };
    }, HAL.address);
    expect(made.added).toBe(1);
    group = { iss: made.iss, group: made.group, expected: ADA.address };
    expect(await hal().groups.view(group)).toMatchObject({ label: 'Minutes', firstSeen: true });
    expect(await page.evaluate(() => window.app.violations)).toEqual([]);
  });

  it('seals an asset that somebody else opens in Node', async () => {
    const sealed = await page.evaluate(async ({ iss, group: id }) => {
      const content = new TextEncoder().encode('The board met. '.repeat(10_000));
      const { stream } = await window.app.client.assets.seal(content, { to: { iss, group: id } });
      return [...new Uint8Array(await new Response(stream).arrayBuffer())];
    }, group);
    const { stream, sealer } = await hal().assets.open(streamOf(sealed), { from: group });
    expect(await new Response(stream).text()).toBe('The board met. '.repeat(10_000));
    expect(sealer).toMatchObject({ address: ADA.address, role: 'admin' });
  });

  it('opens an asset that somebody else sealed in Node, and none that was changed', async () => {
    const content = new TextEncoder().encode('We should. '.repeat(10_000));
    const sealed = await bytesOf((await hal().assets.seal(content, { to: group })).stream);
    const open = (bytes: number[]) =>
      page.evaluate(async (given) => {
        let text = '';
        const code = await window.app.codeOf(async () => {
          const { stream } = await window.app.client.assets.open(Uint8Array.from(given));
          const reader = stream.getReader();
          const decoder = new TextDecoder();
          let piece = await reader.read();
          for (; !piece.done; piece = await reader.read())
            text += decoder.decode(piece.value, { stream: true });
        });
        return { code, text };
      }, bytes);
    const whole = await open(sealed);
    expect(whole.code).toBe('no error');
    expect(whole.text === 'We should. '.repeat(10_000)).toBe(true);
    const changed = [...sealed.slice(0, -1), (sealed.at(-1) ?? 0) ^ 1];
    expect((await open(changed)).code).toBe('asset_damaged');
  });
});
