import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyEncryptionKeys } from '../../bridge/config/key-encryption-keys.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import type { PartnerSignal } from '../../protocol/partner-signal.ts';
import { partnerSignalClaims } from '../fakes/partner-signal.ts';
import { deviceHeaders, sendRaw } from '../http/api-request.ts';
import type { PersonApp } from '../http/person-app.ts';
import { type Company, startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { readStream, type StreamReader } from '../live/streamed-events.ts';
import { toldChange } from '../live/told-change.ts';
import { becameSignals } from '../signals/became-signals.ts';

let companies: TwoCompanies;
let gwen: PersonApp;
let adaSub: string;
const ADA = 'ada@acme.example';

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { acme, globex } = companies;
  const ada = await acme.signIn('ada');
  await ada.client.enrol({ label: 'Laptop' });
  adaSub = (await ada.client.me()).sub;
  // Else the partner is told of an enrolment that it looked up before it became signals.
  await becameSignals(acme.bridge, 'statement.published');
  gwen = await globex.signIn('gwen');
  await gwen.client.enrol({ label: 'Laptop' });
});
afterAll(() => companies?.close());

/** What a company's bridge would push, signed with its own key. */
async function signedBy({ bridge }: Company, claims: PartnerSignal): Promise<string> {
  const { store: database, config, clock, issuer: iss } = bridge;
  const signer = await openLocalSigner({ database, ...keyEncryptionKeys(config), iss, clock });
  return signer.sign('federation', 'secevent+jwt', claims);
}

function claimsAbout(email: string, changes: Readonly<Record<string, unknown>> = {}): PartnerSignal {
  const { acme, globex } = companies;
  const now = Math.floor(acme.bridge.clock.now() / 1000);
  return partnerSignalClaims({ iss: acme.bridge.issuer, aud: globex.bridge.issuer, email, now }, changes);
}

function push(body: string, type: string | undefined = 'application/secevent+jwt') {
  const { stage, globex } = companies;
  return sendRaw(stage, globex.bridge, {
    ...{ method: 'post', path: '/federation/v1/signals', body },
    headers: type === undefined ? {} : { 'content-type': type },
  });
}

/** A watch of gwen's device, event by event. */
async function openWatch(body: object): Promise<StreamReader & { close(): void }> {
  const { globex, stage } = companies;
  const ending = new AbortController();
  const headers = await deviceHeaders(globex.bridge, gwen, { method: 'post', path: '/v1/watch' });
  const response = await stage.fetch(`${globex.bridge.issuer}/v1/watch`, {
    ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
    ...{ body: JSON.stringify(body), signal: ending.signal },
  });
  return Object.assign(readStream(response), { close: () => ending.abort() });
}

interface Refusal {
  readonly err: string;
  readonly description: string;
}

async function refusalOf(body: string, type?: string): Promise<Refusal & { status: number }> {
  const { status, headers, text } = await push(body, type);
  expect(headers['content-type']).toContain('application/json');
  return { status, ...(JSON.parse(text) as Refusal) };
}

describe('a revocation at acme', () => {
  it('reaches at once who watches the address at globex, whose next look-up tells of it although an answer was cached', async () => {
    const { administrator } = companies.acme.bridge;
    const lookUp = async () => (await gwen.client.lookUp([ADA], { maxAge: 3_600 }))[0];
    expect(await lookUp()).toMatchObject({ status: 'verified' });
    const watch = await openWatch({ addresses: [ADA] });
    expect(await watch.next()).toMatchObject({ event: 'ready' });
    const began = performance.now();
    await administrator.post(`/admin/v1/persons/${adaSub}/close`, { reason: 'left' });
    const told = await toldChange(watch, 'revoked');
    const took = performance.now() - began;
    console.info(
      `from the administrator’s word at acme to the watching client at globex: ${took.toFixed(0)} ms`,
    );
    // Long before the cached answer is asked for anew: how long it takes is the machine’s.
    expect(took).toBeLessThan(60_000);
    expect(told).toMatchObject({ address: ADA });
    watch.close();
    expect(await lookUp()).toMatchObject({ status: expect.stringMatching(/^revoked/) });
  });

  it('is told to who comes back to a watch', async () => {
    const since = Math.floor(companies.globex.bridge.clock.now() / 1000);
    const watch = await openWatch({ addresses: [ADA], since });
    expect(await watch.next()).toMatchObject({ event: 'ready' });
    expect(await toldChange(watch, 'revoked')).toMatchObject({ address: ADA });
    watch.close();
  });
});

describe('what RFC 8935 has a receiver answer', () => {
  it('is 202 to a signal that was taken before', async () => {
    const token = await signedBy(companies.acme, claimsAbout(ADA, { jti: 'signal-2' }));
    expect((await push(token)).status).toBe(202);
    expect((await push(token)).status).toBe(202);
  });

  it('is 400 with an error that names what is wrong, and one event', async () => {
    const { acme, globex } = companies;
    const [header, payload] = (await signedBy(acme, claimsAbout(ADA))).split('.');
    expect(await refusalOf(`${header}.${payload}.${'A'.repeat(86)}`)).toMatchObject({
      ...{ status: 400, err: 'invalid_key', description: expect.stringContaining('(jws_signature)') },
    });
    const refused = (await globex.bridge.events()).findLast(({ type }) => type === 'signal.refused');
    expect(refused).toMatchObject({
      ...{ outcome: 'failure', code: 'jws_signature' },
      data: { claimed_issuer: acme.bridge.issuer, jti: 'signal-1' },
    });
    const sign = async (changes: object) => signedBy(acme, claimsAbout(ADA, { ...changes }));
    const elsewhere = await sign({ aud: 'https://bridge.initech.example' });
    expect(await refusalOf(elsewhere)).toMatchObject({ status: 400, err: 'invalid_audience' });
    const foreign = await sign({ sub_id: { format: 'email', email: 'gwen@globex.example' } });
    expect(await refusalOf(foreign)).toMatchObject({ status: 400, err: 'invalid_request' });
    const own = await signedBy(globex, { ...claimsAbout(ADA), iss: globex.bridge.issuer });
    expect(await refusalOf(own)).toMatchObject({ status: 400, err: 'invalid_issuer' });
  });

  it('is 503 where the same token may be right later: its sender must not give it up', async () => {
    const { acme } = companies;
    const ahead = Math.floor(acme.bridge.clock.now() / 1000) + 120;
    const { status, headers, text } = await push(await signedBy(acme, claimsAbout(ADA, { iat: ahead })));
    expect([status, headers['retry-after']]).toEqual([503, '60']);
    expect(JSON.parse(text)).toMatchObject({ status: 503, code: 'jws_not_yet_valid' });
  });

  it('is 400 for what is no security event token at all', async () => {
    for (const body of ['', 'x', '{}', 'a.b.c', '.'.repeat(100)]) {
      expect(await refusalOf(body), body).toMatchObject({ status: 400, err: 'invalid_request' });
    }
    expect(await refusalOf('x', 'application/json')).toMatchObject({ status: 400, err: 'invalid_request' });
    expect(await refusalOf('x'.repeat(20_000))).toMatchObject({ status: 400, err: 'invalid_request' });
  });
});
