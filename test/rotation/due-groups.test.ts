import { afterAll, beforeAll, expect, it } from 'vitest';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { anotherAdministrator } from '../escrow/register-halves.ts';
import { withLifetimes } from '../fakes/test-lifetimes.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { installOnDevice, signInOnDevice } from './client-on-device.ts';

const HOUR_S = 3_600;

let companies: TwoCompanies;
let terminal: RecordedTerminal;
let env: Record<string, string>;

beforeAll(async () => {
  companies = await startTwoCompanies();
  // While there is one administrator, nobody has to approve it.
  await shortenLife();
  const { token } = await anotherAdministrator(companies, 'Olga');
  terminal = await recordedTerminal(companies.stage.fetch);
  env = { COUNTERSIGN_URL: companies.acme.bridge.issuer, COUNTERSIGN_TOKEN: token };
});
afterAll(async () => {
  await terminal?.remove();
  await companies?.close();
});

/** Groups' keys may be an hour old. */
async function shortenLife(): Promise<void> {
  const { administrator } = companies.acme.bridge;
  const content = withLifetimes({ group_keys: HOUR_S })(readDefaultContent());
  const { id } = await administrator.post<{ id: string }>('/admin/v1/policy/drafts', { content, note: '' });
  await administrator.post(`/admin/v1/policy/drafts/${id}/activate`);
}

it('administrators see which groups are due by policy, since when, and the app of an admin ends it', async () => {
  const { acme } = companies;
  const ada = installOnDevice(companies, acme);
  await signInOnDevice(companies, acme, ada, 'ada');
  await ada.client.enrol({ label: 'Laptop' });
  const { group } = await ada.client.groups.create({ kind: 'durable', label: 'Board' });
  const due = async () => (await terminal.run(['group', 'due'], { env })).out;
  expect(await due()).toContain('No group is due.');

  acme.bridge.clock.advance(HOUR_S + 60);
  const told = await due();
  for (const text of ['Board', group, acme.address('ada')]) expect(told).toContain(text);
  const [listed] = await ada.client.groups.list();
  const late = Math.floor(acme.bridge.clock.now() / 1000) - (listed?.rotationDueSince ?? 0);
  expect(late).toBeGreaterThanOrEqual(60);

  const { rotated, failed } = await ada.client.groups.rotateDue();
  expect({ rotated: rotated.map(({ label }) => label), failed }).toEqual({ rotated: ['Board'], failed: [] });
  expect(await due()).toContain('No group is due.');
  expect((await ada.client.groups.rotateDue()).rotated).toEqual([]);
});
