import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SOON } from '../fakes/soon.ts';
import type { PersonApp } from '../http/person-app.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { becameSignals } from './became-signals.ts';

let companies: TwoCompanies;
let gwen: PersonApp;
const subs = new Map<string, string>();
const ADA = 'ada@acme.example';

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { acme, globex } = companies;
  for (const name of ['ada', 'bob']) {
    const app = await acme.signIn(name);
    await app.client.enrol({ label: 'Laptop' });
    subs.set(name, (await app.client.me()).sub);
  }
  // Else the partner is told of an enrolment that it looked up before it became signals.
  await becameSignals(acme.bridge, 'statement.published');
  gwen = await globex.signIn('gwen');
  await gwen.client.enrol({ label: 'Laptop' });
});
afterAll(() => companies?.close());

const atAcme = () => companies.acme.bridge.administrator;
const close = (name: string) => atAcme().post(`/admin/v1/persons/${subs.get(name)}/close`, {});
const entityId = () => companies.globex.bridge.issuer;
const suspend = () =>
  atAcme().post('/admin/v1/partners/suspend', { entityId: entityId(), reason: 'an incident' });
const remove = () => atAcme().post('/admin/v1/partners/remove', { entityId: entityId() });
const approve = () =>
  atAcme().post('/admin/v1/partners/approve', {
    ...{ entityId: entityId(), rootThumbprint: companies.globex.bridge.rootThumbprint },
    domains: ['globex.example'],
  });

const lookUp = async (address: string) => (await gwen.client.lookUp([address], { maxAge: 3_600 }))[0];

async function waiting(): Promise<number> {
  const { partners } = await atAcme().get<{
    partners: { partner: string; delivery: { waiting: number } }[];
  }>('/admin/v1/signals/partners');
  return partners.find(({ partner }) => partner === entityId())?.delivery.waiting ?? 0;
}

const received = async () =>
  (await companies.globex.bridge.events())
    .filter(({ type }) => type === 'signal.received')
    .map(({ subject, data }) => [subject.address, String(data.event).split('/').at(-1)]);

describe('a partner that is suspended', () => {
  it('is told nothing, and once it is approved again all that happened meanwhile', async () => {
    expect(await lookUp(ADA)).toMatchObject({ status: 'verified' });
    await suspend();
    await close('ada');
    await vi.waitFor(async () => expect(await waiting()).toBe(2), SOON);
    expect(await received()).toEqual([]);
    expect(await lookUp(ADA)).toMatchObject({ status: 'verified' });
    await approve();
    const told = [
      [ADA, 'session-revoked'],
      [ADA, 'credential-change'],
    ];
    await vi.waitFor(async () => expect(await received()).toEqual(told), SOON);
    expect(await lookUp(ADA)).toMatchObject({ status: expect.stringMatching(/^revoked/) });
  });
});

describe('a partner that is removed', () => {
  it('has nothing kept for it', async () => {
    expect(await lookUp('bob@acme.example')).toMatchObject({ status: 'verified' });
    await suspend();
    await close('bob');
    await vi.waitFor(async () => expect(await waiting()).toBe(2), SOON);
    await remove();
    const { store } = companies.acme.bridge;
    const kept = () => store.read((query) => query.selectFrom('signal_outbox').selectAll().execute());
    await vi.waitFor(async () => expect(await kept()).toEqual([]), SOON);
  });
});
