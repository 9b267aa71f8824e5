import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { USER_CODE_GUESSES } from '../../bridge/lib/limits.ts';
import { type DeviceCodeShown, qrCodeSvg, qrCodeText } from '../../client/index.ts';
import { signDpopProof } from '../../protocol/dpop.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import type { HeadlessBrowser, Page } from '../fakes/headless-browser.ts';
import { PASSWORD, ROOM_APP, type RoomCompany, startRoomCompany } from './room-company.ts';

let company: RoomCompany;
beforeAll(async () => {
  company = await startRoomCompany();
});
afterAll(() => company?.close());

/** A room system that shows its code and waits. */
async function waitingRoom(signal?: AbortSignal) {
  const client = company.newClient();
  let show: (code: DeviceCodeShown) => void = () => {};
  const shown = new Promise<DeviceCodeShown>((resolve) => {
    show = resolve;
  });
  const signedIn = client.signInWithDeviceCode({
    onCode: (code) => show(code),
    ...(signal === undefined ? {} : { signal }),
  });
  signedIn.catch(() => undefined);
  return { client, signedIn, code: await shown };
}

/** A device code without anybody who waits for it. */
async function askForCode(clientId = ROOM_APP): Promise<Response> {
  return company.stage.fetch(`${company.bridge.issuer}/oauth/device-authorization`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, scope: 'countersign' }),
  });
}

async function newCode(): Promise<string> {
  const { user_code: code } = (await (await askForCode()).json()) as { user_code: string };
  return code;
}

const press = (browser: HeadlessBrowser, page: Page, decision: string) => {
  const [form] = page.forms;
  if (form === undefined) throw new Error(`no form at ${page.url}`);
  return browser.submit(page, form, { decision });
};

describe('a room system without a keyboard', () => {
  it('is signed in by somebody who types its code, enrols, and is known as a room', async () => {
    const { client, signedIn, code } = await waitingRoom();
    expect(code.userCode).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
    expect(code.verificationUri).toBe(`${company.bridge.issuer}/device`);
    expect(code.verificationUriComplete).toBe(`${code.verificationUri}?user_code=${code.userCode}`);
    expect(qrCodeSvg(code.verificationUriComplete)).toMatch(/^<svg/);
    expect(qrCodeText(code.verificationUriComplete)).toContain('█');

    const browser = company.browser();
    const page = await browser.open(code.verificationUriComplete);
    expect(page.forms[0]?.fields.user_code).toBe(code.userCode);
    const asked = await company.signRoomIn(browser, page, { code: code.userCode, name: 'room-1' });
    expect(asked.html).toContain('room-1@acme.example');
    expect(asked.html).toContain(code.userCode);
    expect((await press(browser, asked, 'connect')).html).toContain('The room is signed in');

    await signedIn;
    expect(await client.me()).toMatchObject({ assurance: 'room', addresses: ['room-1@acme.example'] });
    const { verified } = await client.enrol({ label: 'Room 1' });
    expect(verified.statement).toMatchObject({ address: 'room-1@acme.example', assurance: 'room' });
    expect((await company.bridge.events()).map(({ type }) => type)).toContain('device_code.approved');
  });

  it('gets nothing when the person refuses', async () => {
    const { signedIn, code } = await waitingRoom();
    const browser = company.browser();
    const page = await browser.open(code.verificationUri);
    const asked = await company.signRoomIn(browser, page, { code: code.userCode, name: 'room-2' });
    expect((await press(browser, asked, 'refuse')).html).toContain('Nothing was connected');
    await expect(signedIn).rejects.toMatchObject({ code: 'sign_in_refused' });
  });

  it('stops waiting when its app does', async () => {
    const leaving = new AbortController();
    const { signedIn } = await waitingRoom(leaving.signal);
    leaving.abort();
    await expect(signedIn).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a user code', () => {
  it('is decided once', async () => {
    const code = await newCode();
    const [first, second] = [company.browser(), company.browser()];
    const open = async (browser: HeadlessBrowser) =>
      company.signRoomIn(browser, await browser.open(`${company.bridge.issuer}/device`), {
        code: code.toLowerCase().replace('-', ' '),
        name: 'room-1',
      });
    const [one, two] = [await open(first), await open(second)];
    expect((await press(first, one, 'connect')).html).toContain('The room is signed in');
    expect((await press(second, two, 'connect')).html).toContain('The code is over');
    expect((await press(first, one, 'connect')).status).toBe(400);
  });

  it('gives nothing to the account of a person, whom others see as one', async () => {
    const browser = company.browser();
    const page = await browser.open(`${company.bridge.issuer}/device`);
    const [form] = page.forms;
    if (form === undefined) throw new Error('no form');
    const login = await browser.submit(page, form, {
      user_code: await newCode(),
      address: 'ada@acme.example',
    });
    const { administrator } = company.bridge;
    await administrator.patch('/admin/v1/connections/rooms', { assurance: 'member' });
    const refused = await browser.signIn(login, 'ada', PASSWORD);
    expect(refused.status).toBe(403);
    expect(
      (await company.bridge.events()).findLast(({ type }) => type === 'device_code.refused'),
    ).toMatchObject({
      code: 'forbidden',
    });
    const other = await browser.open(`${company.bridge.issuer}/device`);
    const [again] = other.forms;
    if (again === undefined) throw new Error('no form');
    const none = await browser.submit(other, again, {
      user_code: await newCode(),
      address: 'ada@acme.example',
    });
    expect(none.html).toContain('No rooms sign in with this address');
    await administrator.patch('/admin/v1/connections/rooms', { assurance: 'room' });
  });

  it('is needed, and the browser’s own cookie with it', async () => {
    const code = await newCode();
    const body = new URLSearchParams({ user_code: code, address: 'room-1@acme.example' });
    const forged = await company.stage.fetch(`${company.bridge.issuer}/device`, {
      ...{ method: 'POST', body, redirect: 'manual' },
    });
    expect(forged.status).toBe(200);
    expect(await forged.text()).toContain('open for too long');
    const confirmed = await company.stage.fetch(`${company.bridge.issuer}/device/confirm`, {
      ...{ method: 'POST', body: new URLSearchParams({ decision: 'connect' }), redirect: 'manual' },
    });
    expect(confirmed.status).toBe(400);
  });

  it('is guessed only so often', async () => {
    const browser = company.browser();
    let page = await browser.open(`${company.bridge.issuer}/device`);
    for (let guess = 0; guess < USER_CODE_GUESSES; guess += 1) {
      const [form] = page.forms;
      if (form === undefined) throw new Error('no form');
      page = await browser.submit(page, form, { user_code: 'BCDF-GHJK', address: 'room-1@acme.example' });
      expect(page.html).toContain('no such code');
    }
    const [form] = page.forms;
    if (form === undefined) throw new Error('no form');
    const right = { user_code: await newCode(), address: 'room-1@acme.example' };
    expect((await browser.submit(page, form, right)).status).toBe(429);
    company.bridge.clock.advance(601);
  });
});

describe('the device grant', () => {
  it('is not for apps of people, and rooms have no other', async () => {
    const answer = await askForCode('test-app');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error_description: expect.stringContaining('not allowed for this client'),
    });
    const client = company.newClient();
    await expect(client.beginSignIn({ redirectUri: 'http://127.0.0.1/callback' })).rejects.toMatchObject({
      code: 'bridge_invalid',
    });
  });

  it('leaves no event for a device that waits, and slows one down that does not', async () => {
    const answer = (await (await askForCode()).json()) as { device_code: string };
    const sig = await generateSigningKey(false);
    const url = `${company.bridge.issuer}/oauth/token`;
    let nonce: string | null = null;
    const poll = async (): Promise<string> => {
      const now = Math.floor(company.bridge.clock.now() / 1000);
      const proven = { method: 'POST', url, ...(nonce === null ? {} : { nonce }) };
      const response = await company.stage.fetch(url, {
        method: 'POST',
        headers: { dpop: await signDpopProof(sig, proven, now) },
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
          ...{ client_id: ROOM_APP, device_code: answer.device_code },
        }),
      });
      nonce = response.headers.get('dpop-nonce') ?? nonce;
      const { error } = (await response.json()) as { error: string };
      return error === 'use_dpop_nonce' ? poll() : error;
    };
    const before = (await company.bridge.events()).length;
    const goOn = company.bridge.clock.stand();
    expect(await poll()).toBe('authorization_pending');
    expect((await company.bridge.events()).length).toBe(before);
    expect(await poll()).toBe('slow_down');
    goOn();
  });
});
