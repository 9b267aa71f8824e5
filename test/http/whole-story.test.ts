import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Answer } from '../../client/index.ts';
import { holdSequencer } from '../fakes/held-sequencer.ts';
import type { PersonApp } from './person-app.ts';
import { startTwoCompanies, type TwoCompanies } from './two-companies.ts';

let companies: TwoCompanies;
let ada: PersonApp;
let bob: PersonApp;
let gwen: PersonApp;

beforeEach(async () => {
  companies = await startTwoCompanies();
  const { acme, globex } = companies;
  [ada, bob, gwen] = [await acme.signIn('ada'), await acme.signIn('bob'), await globex.signIn('gwen')];
  for (const { client } of [ada, bob, gwen]) await client.enrol({ label: 'Laptop' });
});
afterEach(() => companies?.close());

const BOB = 'bob@acme.example';

async function answerTo(app: PersonApp, address: string, maxAge: number): Promise<Answer | undefined> {
  const [answer] = await app.client.lookUp([address], { maxAge });
  return answer;
}

async function closeBob(): Promise<void> {
  const { sub } = await bob.client.me();
  const { administrator } = companies.acme.bridge;
  await administrator.post(`/admin/v1/persons/${sub}/close`, { reason: 'left' });
}

describe('a closed account', () => {
  it('is restricted at once, and revoked with evidence once the log has it', async () => {
    // The records that go with answers are entries of the log themselves, and published with the first answer.
    expect(await answerTo(ada, BOB, 0)).toMatchObject({ status: 'verified' });
    const release = await holdSequencer(companies.acme.bridge.store);
    await closeBob();
    expect(await answerTo(ada, BOB, 0)).toEqual({ status: 'revoked_pending', address: BOB, source: 'own' });
    expect(await answerTo(gwen, BOB, 0)).toEqual({
      ...{ status: 'revoked_pending', address: BOB, source: 'partner' },
    });
    await expect(bob.client.me()).rejects.toMatchObject({ code: 'sign_in_required' });
    await release();
    await vi.waitFor(
      async () => {
        const revoked = { status: 'revoked', statement: { version: 1, reason: 'closed' } };
        expect(await answerTo(ada, BOB, 0)).toMatchObject(revoked);
        expect(await answerTo(gwen, BOB, 0)).toMatchObject(revoked);
      },
      { timeout: 30_000, interval: 50 },
    );
  });

  it('ends what a partner has cached of the person, whatever age its clients take', async () => {
    expect(await answerTo(gwen, BOB, 3_600)).toMatchObject({ status: 'verified' });
    await closeBob();
    await vi.waitFor(
      async () => expect(await answerTo(gwen, BOB, 3_600)).toMatchObject({ status: 'revoked' }),
      { timeout: 30_000, interval: 50 },
    );
  });
});

describe('a suspended partner', () => {
  it('is neither believed nor answered, until it is approved again', async () => {
    const { acme, globex } = companies;
    const entityId = acme.bridge.issuer;
    const { administrator } = globex.bridge;
    await administrator.post('/admin/v1/partners/suspend', { entityId, reason: 'a doubt' });
    expect(await answerTo(gwen, BOB, 3_600)).toMatchObject({ status: 'refused', code: 'partner_suspended' });
    expect(await answerTo(ada, 'gwen@globex.example', 0)).toMatchObject({
      ...{ status: 'refused', code: 'partner_refuses' },
    });
    const { rootThumbprint } = acme.bridge;
    const approval = { entityId, rootThumbprint, domains: [acme.domain] };
    await administrator.post('/admin/v1/partners/approve', approval);
    expect(await answerTo(gwen, BOB, 0)).toMatchObject({ status: 'verified' });
    expect(await answerTo(ada, 'gwen@globex.example', 0)).toMatchObject({ status: 'verified' });
  });
});

describe('a restart', () => {
  it('loses nobody and nothing that was acknowledged', async () => {
    const { client } = await companies.acme.signIn('ada');
    const addition = await client.requestDevice({ label: 'Phone', method: 'fingerprint' });
    await companies.acme.bridge.restart();
    await ada.client.approveDevice(addition.id, { fingerprint: addition.fingerprint });
    await addition.waitForApproval();
    expect((await client.me()).devices).toHaveLength(2);
    expect(await answerTo(gwen, 'ada@acme.example', 0)).toMatchObject({ status: 'verified' });
  });
});
