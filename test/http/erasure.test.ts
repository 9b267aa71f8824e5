import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Auditor, openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { SOON } from '../fakes/soon.ts';
import { tablesWith } from '../lifecycle/stored-bytes.ts';
import type { PersonApp } from './person-app.ts';
import { startTwoCompanies, type TwoCompanies } from './two-companies.ts';

const BOB = 'bob@acme.example';
/** Of Bob at the identity provider. */
const SUBJECT = 'sub-bob';

let companies: TwoCompanies;
let auditor: Auditor;
let ada: PersonApp;
let bob: PersonApp;
let gwen: PersonApp;
let sub: string;

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { acme, globex, stage } = companies;
  [ada, bob, gwen] = [await acme.signIn('ada'), await acme.signIn('bob'), await globex.signIn('gwen')];
  for (const { client } of [ada, bob, gwen]) await client.enrol({ label: 'Laptop' });
  ({ sub } = await bob.client.me());
  const { issuer, clock } = acme.bridge;
  auditor = await openAuditor({
    ...{ bridge: issuer, state: join(stage.folder, 'auditor'), clock },
    request: boundedRequest(stage.fetch),
  });
});
afterAll(async () => {
  await auditor?.close();
  await companies?.close();
});

async function answersAbout(address: string) {
  const asked = [ada, gwen].map(({ client }) => client.lookUp([address], { maxAge: 0 }));
  return (await Promise.all(asked)).map(([answer]) => answer?.status);
}

describe('an administrator who erases a person', () => {
  it('is told to close them first', async () => {
    const { administrator } = companies.acme.bridge;
    const refused = await administrator.refusal(`/admin/v1/persons/${sub}/erase`, {});
    expect(refused).toMatchObject({ code: 'person_active', title: expect.stringContaining('close them') });
  });

  it('leaves nothing of them in the store, and everybody is answered that there is nobody', async () => {
    const { administrator, store } = companies.acme.bridge;
    expect(await answersAbout(BOB)).toEqual(['verified', 'verified']);
    expect(await tablesWith(store, [sub, SUBJECT])).toEqual(
      expect.arrayContaining(['oauth_records', 'oauth_grants', 'upstream_identities']),
    );
    await administrator.post(`/admin/v1/persons/${sub}/close`, {});
    await vi.waitFor(async () => expect(await answersAbout(BOB)).toEqual(['revoked', 'revoked']), 20_000);
    expect(await auditor.run()).toMatchObject({ outcome: 'verified' });
    expect(await administrator.post(`/admin/v1/persons/${sub}/erase`, {})).toEqual({
      sub,
      addresses: [{ address: BOB, versions: 2 }],
    });
    // What is kept for signals goes with the event of it.
    await vi.waitFor(async () => expect(await tablesWith(store, [sub, SUBJECT])).toEqual([]), SOON);
    expect(await answersAbout(BOB)).toEqual(['not_found', 'not_found']);
    const refused = await administrator.refusal(`/admin/v1/persons/${sub}/erase`, {});
    expect(refused.code).toBe('person_unknown');
  });

  it('leaves to auditors a log that goes on from what they have seen', async () => {
    expect(await auditor.run()).toMatchObject({ outcome: 'verified' });
  });

  it('lets the address go on with a new person, whose client misses nothing', async () => {
    const again = await companies.acme.signIn('bob');
    await again.client.enrol({ label: 'Laptop' });
    expect((await again.client.me()).sub).not.toBe(sub);
    expect(await again.client.keyHistory()).toMatchObject({
      ...{ address: BOB, erased: [0, 1], unrecognized: [] },
      versions: [{ mark: 'own', statement: { version: 2, reason: 're-enrolled' } }],
    });
    const answers = await Promise.all([ada, gwen].map(({ client }) => client.lookUp([BOB], { maxAge: 0 })));
    for (const [answer] of answers) {
      expect(answer).toMatchObject({ status: 'changed_key', offered: { version: 2 } });
    }
    await vi.waitFor(async () => {
      expect(await auditor.run()).toMatchObject({ outcome: 'verified' });
    }, 20_000);
  });
});
