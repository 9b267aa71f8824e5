import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assignAddress } from '../../bridge/directory/addresses.ts';
import { insertPerson } from '../../bridge/directory/persons.ts';
import type { EventInput } from '../../bridge/events/event-log.ts';
import { savePartner } from '../../bridge/federation/partner-store.ts';
import { seconds } from '../../bridge/lib/clock.ts';
import { noteContacts, purgeContacts } from '../../bridge/signals/contacts.ts';
import { excludeSubject } from '../../bridge/signals/exclusion-store.ts';
import { oldestToSignal } from '../../bridge/signals/progress-store.ts';
import { insertReceiver } from '../../bridge/signals/receiver-store.ts';
import { createSignalProjection } from '../../bridge/signals/signal-projection.ts';
import { SUPPORTED_EVENTS } from '../../bridge/signals/stream.ts';
import { insertStream } from '../../bridge/signals/stream-store.ts';
import type { Database, Transaction } from '../../bridge/storage/database.ts';
import { type EventsFixture, eventsFixture } from '../events/events-fixture.ts';
import { DAY_MS, ISS } from '../signer/signer-fixture.ts';

const GLOBEX = 'https://bridge.globex.example';
const INITECH = 'https://bridge.initech.example';
const ADA = 'ada@acme.example';
const FORMER = 'info@acme.example';
const GOING_ON = new AbortController().signal;

let fixture: EventsFixture;

beforeEach(async () => {
  fixture = await eventsFixture();
  fixture.log.start();
  for (const partner of [GLOBEX, INITECH]) await setPartner(partner, 'active');
});
afterEach(() => fixture.remove());

function projectionOf(process: { database: Database; log: EventsFixture['log'] }) {
  return createSignalProjection({ ...process, iss: ISS, clock: fixture.clock });
}

async function setPartner(entity_id: string, status: 'active' | 'suspended' | 'removed'): Promise<void> {
  const texts = { root_thumbprint: 'r', organization_name: 'o', lookup_endpoint: 'l', online_keys: 'k' };
  const numbers = { version: 1, serial: 1, expires: 0, checked: 0 };
  await fixture.database.transaction((tx) =>
    savePartner(tx, {
      ...{ entity_id, status, domains: [], policy: null, reason: null },
      ...texts,
      ...numbers,
    }),
  );
}

function revoked(address: string, sub = 'sub-ada'): EventInput {
  return {
    ...{
      type: 'statement.revoked',
      actor: { kind: 'system' },
      subject: { sub, address },
      outcome: 'success',
    },
    data: { version: 2, key_version: 1, statement_hash: 'h' },
  };
}

function closed(sub = 'sub-ada'): EventInput {
  return {
    ...{ type: 'person.closed', actor: { kind: 'system' }, subject: { sub }, outcome: 'success' },
    data: {},
  };
}

/** Somebody had a key under this address. */
async function had(tx: Transaction, address: string, sub = 'sub-ada'): Promise<void> {
  const version = { version: 1, sub, status: 'revoked', signed: '', hash: address, since: 0 } as const;
  await tx
    .insertInto('statements')
    .values({ address, ...version })
    .execute();
}

async function report(...events: EventInput[]): Promise<void> {
  for (const event of events) await fixture.database.transaction((tx) => fixture.log.append(tx, event));
  await fixture.log.settled();
}

const note = (partner: string, ...subjects: string[]) =>
  fixture.database.transaction((tx) => noteContacts(tx, partner, subjects, seconds(fixture.clock)));

/** Who would be sent something about whom. */
async function told(): Promise<[queue: string, about: unknown][]> {
  const rows = await fixture.database.read((query) =>
    query
      .selectFrom('signal_outbox')
      .select(['queue', 'claims'])
      .orderBy('queue')
      .orderBy('position')
      .execute(),
  );
  return rows.map(({ queue, claims }) => [queue, JSON.parse(claims).sub_id]);
}

const email = (address: string) => ({ format: 'email', email: address });

/** Signals begin with what happens after the first start. */
async function begun() {
  const projection = projectionOf(fixture);
  await projection.catchUp(GOING_ON);
  return projection;
}

describe('a partner', () => {
  it('is told of an address that it was answered about, others not', async () => {
    const projection = await begun();
    await note(GLOBEX, ADA);
    await report(revoked(ADA), revoked('bob@acme.example', 'sub-bob'));
    expect(await projection.catchUp(GOING_ON)).toEqual(new Set([GLOBEX]));
    expect(await told()).toEqual([[GLOBEX, email(ADA)]]);
  });

  it('is told for 30 days after that, and each look-up begins them anew', async () => {
    const projection = await begun();
    await note(GLOBEX, ADA);
    expect(await note(INITECH, ADA)).toEqual([ADA]);
    fixture.clock.advance(29 * DAY_MS);
    expect(await note(INITECH, ADA)).toEqual([]);
    fixture.clock.advance(DAY_MS);
    await report(revoked(ADA));
    await projection.catchUp(GOING_ON);
    expect(await told()).toEqual([[INITECH, email(ADA)]]);
    expect(await fixture.database.transaction((tx) => purgeContacts(tx, seconds(fixture.clock)))).toBe(1);
    expect(await note(GLOBEX, ADA)).toEqual([ADA]);
  });

  it.each([
    ['suspended', 'is kept what it has to know when it is approved again', [[GLOBEX, email(ADA)]]],
    ['removed', 'is told nothing', []],
  ] as const)('that is %s %s', async (status, _what, kept) => {
    const projection = await begun();
    await note(GLOBEX, ADA);
    await setPartner(GLOBEX, status);
    await report(revoked(ADA));
    await projection.catchUp(GOING_ON);
    expect(await told()).toEqual(kept);
  });

  it('is told of nothing that was before the first start', async () => {
    await note(GLOBEX, ADA);
    await report(revoked(ADA));
    await begun();
    expect(await told()).toEqual([]);
  });
});

async function register(id: string, changes: { domains?: string[]; subject_format?: 'iss_sub' } = {}) {
  const { domains = null, subject_format = 'email' } = changes;
  await fixture.database.transaction(async (tx) => {
    const about = { name: id, audience: id, subject_format, domains, endpoint_host: null } as const;
    await insertReceiver(tx, { id, ...about, created: 0 }, { hash: id, expires: 0 });
    const pushed = { method: 'push', endpoint_url: 'https://x.example/', authorization: null } as const;
    const settings = { ...pushed, events_requested: SUPPORTED_EVENTS, description: null };
    await insertStream(tx, { id: `str-${id}`, receiver: id, created: 0 }, settings);
  });
}

describe('a registered receiver', () => {
  it('is told of the people of its domains alone', async () => {
    const projection = await begun();
    await register('all');
    await register('acme', { domains: ['acme.example'] });
    await register('labs', { domains: ['labs.example'] });
    await report(revoked(ADA));
    await projection.catchUp(GOING_ON);
    expect(await told()).toEqual([
      ['str-acme', email(ADA)],
      ['str-all', email(ADA)],
    ]);
  });

  it('of everybody is told nothing of whom it took out by iss and sub, under no address', async () => {
    const projection = await begun();
    await register('all');
    const subject = { format: 'iss_sub', iss: ISS, sub: 'sub-ada' } as const;
    await fixture.database.transaction((tx) => excludeSubject(tx, 'str-all', subject));
    await report(revoked(ADA), revoked('bob@acme.example', 'sub-bob'));
    await projection.catchUp(GOING_ON);
    expect(await told()).toEqual([['str-all', email('bob@acme.example')]]);
  });

  it('is told no address where it knows people by iss and sub', async () => {
    const projection = await begun();
    await register('oauth', { subject_format: 'iss_sub', domains: ['acme.example'] });
    await report(revoked(ADA));
    await projection.catchUp(GOING_ON);
    expect(await told()).toEqual([['str-oauth', { format: 'iss_sub', iss: ISS, sub: 'sub-ada' }]]);
  });

  it('is told when somebody signs in with more or fewer factors than before, not at the first time', async () => {
    const projection = await begun();
    await register('oauth', { subject_format: 'iss_sub' });
    const signIn = (...amr: string[]): EventInput => ({
      type: 'sign_in.succeeded',
      ...{ actor: { kind: 'person', sub: 'sub-ada' }, subject: { sub: 'sub-ada' }, outcome: 'success' },
      data: { protocol: 'oidc', acr: null, amr, auth_time: null },
    });
    await report(signIn('pwd'), signIn('pwd'), signIn('pwd', 'otp'), signIn('pwd'));
    await projection.catchUp(GOING_ON);
    const rows = await fixture.database.read((query) =>
      query.selectFrom('signal_outbox').select('claims').orderBy('position').execute(),
    );
    const said = rows.map(({ claims }) => Object.values(JSON.parse(claims).events)[0]);
    expect(said).toMatchObject([
      { namespace: 'countersign-factors', current_level: 'multi-factor', change_direction: 'increase' },
      { current_level: 'single-factor', previous_level: 'multi-factor', change_direction: 'decrease' },
    ]);
  });
});

describe('an address that another person holds now', () => {
  it('is not named when its former holder is closed', async () => {
    const projection = await begun();
    await register('all');
    await note(GLOBEX, ADA, FORMER);
    await fixture.database.transaction(async (tx) => {
      await had(tx, ADA);
      await had(tx, FORMER);
      await insertPerson(tx, { sub: 'sub-new', name: null, assurance: 'member', created: 0 });
      const holding = { address: FORMER, domain: 'acme.example', sub: 'sub-new', connectionId: 'c' };
      await assignAddress(tx, { ...holding, primary: true, now: 0 });
    });
    await report(closed());
    await projection.catchUp(GOING_ON);
    expect(await told()).toEqual([
      [GLOBEX, email(ADA)],
      ['str-all', email(ADA)],
    ]);
  });
});

describe('the content of events', () => {
  it('is needed until it has become signals', async () => {
    expect(await fixture.database.read(oldestToSignal)).toBe(Number.MAX_SAFE_INTEGER);
    const projection = await begun();
    expect(await fixture.database.read(oldestToSignal)).toBe(1);
    await report(revoked(ADA), revoked(ADA));
    expect(await fixture.database.read(oldestToSignal)).toBe(1);
    await projection.catchUp(GOING_ON);
    expect(await fixture.database.read(oldestToSignal)).toBe(3);
  });
});

describe('two processes on one store', () => {
  it('make each signal once between them, in the order of the events', async () => {
    const projections = [await begun(), projectionOf(await fixture.openAnother())];
    await note(GLOBEX, ...Array.from({ length: 40 }, (_, index) => `person-${index}@acme.example`));
    for (let index = 0; index < 40; index += 1) {
      await report(revoked(`person-${index}@acme.example`, `sub-${index}`));
      if (index % 4 === 0) await Promise.all(projections.map((each) => each.catchUp(GOING_ON)));
    }
    await Promise.all(projections.map((each) => each.catchUp(GOING_ON)));
    const expected = Array.from({ length: 40 }, (_, index) => [
      GLOBEX,
      email(`person-${index}@acme.example`),
    ]);
    expect(await told()).toEqual(expected);
  });
});
