import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostedMeeting } from '../../client/index.ts';
import { ADA, GWEN, HAL } from '../../demo/stage/people.ts';
import { hear } from '../client/meetings/heard.ts';
import { keyOf } from '../client/meetings/meeting-fixture.ts';
import { signedIn } from './app-at-work.ts';
import { type Companies, startCompanies } from './companies.ts';
import { NO_BROWSER } from './find-browser.ts';

declare global {
  interface Window {
    /** What this page hosts, or takes part in. */
    meeting: HostedMeeting;
  }
}

let companies: Companies;
const browsers: BrowserContext[] = [];
let ada: Page;
let gwen: Page;

async function enrolledPage(person: typeof ADA): Promise<Page> {
  const browser = await companies.browsers.open(`${person.key}-meets`);
  browsers.push(browser);
  const page = await signedIn(companies, browser, person);
  await page.evaluate(() => window.app.client.enrol({ label: 'browser' }));
  return page;
}

describe.skipIf(NO_BROWSER !== undefined)('a meeting in web apps', () => {
  beforeAll(async () => {
    companies = await startCompanies();
    ada = await enrolledPage(ADA);
    gwen = await enrolledPage(GWEN);
  }, 180_000);
  afterAll(async () => {
    for (const browser of browsers) await browser.close();
    await companies?.close();
  });

  it('is hosted in one browser and joined in another and from Node, and gives all of them the same keys', async () => {
    const meeting = await ada.evaluate(
      async (people) => {
        const ends = Math.floor(Date.now() / 1000) + 3600;
        const hosted = await window.app.client.meetings.start({
          ...{ label: 'In browsers', ends, people, mediaKey: 'media of the host' },
        });
        Object.assign(window, { meeting: hosted });
        return { iss: hosted.iss, group: hosted.group, notAdded: hosted.notAdded.length };
      },
      [GWEN.address, HAL.address],
    );
    expect(meeting.notAdded).toBe(0);
    const invitation = { iss: meeting.iss, group: meeting.group, host: ADA.address, mediaKey: 'media' };

    await gwen.evaluate(async (given) => {
      const joined = await window.app.client.meetings.join(given);
      Object.assign(window, { meeting: joined });
      for await (const event of joined.events()) if (event.type === 'placed') break;
    }, invitation);
    const hal = await companies.stage.hal.get().client.meetings.join(invitation);
    await hear(hal).next('placed');

    const epoch = await ada.evaluate(async () => {
      await window.meeting.rekey();
      return window.meeting.currentKey().epoch;
    });
    const keyIn = (page: Page) =>
      page.evaluate(async (least) => {
        for await (const { epoch: now, key } of window.meeting.keys()) if (now >= least) return [now, ...key];
        return [];
      }, epoch);
    const expected = await keyIn(ada);
    expect(expected).toHaveLength(33);
    expect(await keyIn(gwen)).toEqual(expected);
    const inNode = await keyOf(hal, epoch);
    expect([inNode.epoch, ...inNode.key]).toEqual(expected);

    const roster = await gwen.evaluate(async () => {
      const there: string[] = [];
      for await (const { address, state } of window.meeting.roster()) there.push(`${address} ${state}`);
      return { there, fingerprint: window.meeting.fingerprint() };
    });
    expect(roster.there).toEqual([ADA, GWEN, HAL].map(({ address }) => `${address} verified`));
    expect(hal.fingerprint()).toBe(roster.fingerprint);

    await hal.leave();
    await gwen.evaluate(async (least) => {
      for await (const { epoch: now } of window.meeting.keys())
        if (now > least) return window.meeting.leave();
    }, epoch);
    await ada.evaluate(() => {
      return window.meeting.end();
    });
    expect(await ada.evaluate(() => window.app.violations)).toEqual([]);
    expect(await gwen.evaluate(() => window.app.violations)).toEqual([]);
  }, 120_000);
});
