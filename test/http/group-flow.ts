import { deviceHeaders } from './api-request.ts';
import type { PersonApp } from './person-app.ts';
import type { Company } from './two-companies.ts';

/** A durable group: every request about groups, and about the keys sealed to them, that a client makes. */
export async function playGroups(
  acme: Company,
  { ada, bob }: Record<'ada' | 'bob', PersonApp>,
): Promise<void> {
  const made = await ada.client.groups.create({ kind: 'durable', label: 'Minutes' });
  const ref = { iss: made.iss, group: made.group, expected: acme.address('ada') };
  const people = [acme.address('bob')];
  await ada.client.groups.add(ref, { people });
  await ada.client.groups.exclude(ref, acme.address('carol'));
  await ada.client.groups.readmit(ref, acme.address('carol'));
  await ada.client.groups.rotate(ref);
  const { keyId } = await ada.client.groups.sealKey(ref);
  await bob.client.groups.openKey(ref, keyId);
  await listSealedKeys(acme, bob, made.group);
  await ada.client.assets.recipients({
    ...{ category: 'personal', sensitivity: 'low' },
    dataSubject: acme.address('bob'),
  });
  await ada.client.groups.list();
  for await (const _member of ada.client.groups.members(ref)) {
    // to the last
  }
}

/** For those who look for what is kept; our client asks for each key by its id. */
async function listSealedKeys({ bridge, traffic }: Company, app: PersonApp, group: string): Promise<void> {
  const path = `/v1/groups/${group}/sealed-keys`;
  const headers = await deviceHeaders(bridge, app, { method: 'GET', path });
  await traffic.fetch(`${bridge.issuer}${path}`, { headers });
}
