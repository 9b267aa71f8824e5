import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assignAddress } from '../../bridge/directory/addresses.ts';
import { latestStatement } from '../../bridge/directory/statements.ts';
import { linkPerson } from '../../bridge/directory/upstream-identities.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import { createLifecycle, type Lifecycle, type LifecycleDeps } from '../../bridge/lifecycle/lifecycle.ts';
import { insertService } from '../../bridge/oauth/service-store.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { verifyCredential, verifyRevocation } from '../../protocol/credential.ts';
import { statementHash } from '../../protocol/key-statement.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import {
  begin,
  confirmation,
  contextOf,
  type Enrolled,
  enrol,
  holder,
  newDevice,
} from '../fakes/client-side.ts';
import { SOON } from '../fakes/soon.ts';
import { storedTexts, tablesWith } from './stored-bytes.ts';

const ADDRESS = 'alice@acme.example';
const NAME = 'Alice Quillfeather';
const SUBJECT = 'upstream-4711-0815';
const ADA: RequestContext = { requestId: 'r-1', actor: { kind: 'administrator', id: 'a-1', name: 'Ada' } };

let parts: BridgeParts;
let lifecycle: Lifecycle;

beforeEach(async () => {
  parts = await bridgeParts();
  lifecycle = lifecycleOf({});
});

afterEach(() => parts.remove());

function lifecycleOf(changes: Partial<LifecycleDeps>): Lifecycle {
  const tokens = { revokePerson: async () => 0, revokeDevice: async () => 0 };
  return createLifecycle({ ...parts, decide: parts.policy.decide, tokens, ...changes });
}

const read = <T>(work: Parameters<typeof parts.database.read<T>>[0]) => parts.database.read(work);
const now = () => Math.floor(parts.clock.now() / 1000);
const statusOf = async (address: string) => (await parts.credentials.forAddress(address)).status;

function verification() {
  return { issuer: parts.issuer, policy: { level: 'logged' as const, maxAge: 60 }, now: now() };
}

/** Somebody with keys for the address, who has it from now on. */
async function join(name: string, subject: string): Promise<{ sub: string; enrolled: Enrolled }> {
  const sub = await parts.addPerson({ name, addresses: [] });
  await parts.database.transaction(async (tx) => {
    await linkPerson(tx, { connectionId: 'connection-1', subject, sub, now: now() });
    const held = { address: ADDRESS, domain: 'acme.example', sub, primary: true, now: now() };
    await assignAddress(tx, { ...held, connectionId: 'connection-1' });
  });
  return { sub, enrolled: await enrol(parts, sub) };
}

async function leave(sub: string): Promise<void> {
  await lifecycle.closePerson(sub, undefined, ADA);
}

async function joinAndLeave(name: string, subject: string) {
  const joined = await join(name, subject);
  await leave(joined.sub);
  return joined;
}

/** What the log is made of, and what was signed of it. */
async function logBytes(): Promise<unknown> {
  const stored = await storedTexts(parts.database);
  const tables = [
    'log_heads',
    'log_entry_bundles',
    'log_tiles',
    'log_checkpoints',
    'map_pages',
    'log_epochs',
  ];
  return tables.map((table) => [table, stored.get(table)]);
}

const openings = () =>
  read((query) =>
    query
      .selectFrom('logged_versions')
      .select(['version', 'opening'])
      .where('name', '=', ADDRESS)
      .orderBy('version')
      .execute(),
  );

/** What nobody else has: texts and bytes that stand for this person and no other. */
function tracesOf({ enrolled, sub }: { enrolled: Enrolled; sub: string }): string[] {
  const { person, device, offer, request } = enrolled;
  const halves = [...offer.statement.keys, request.client_half, request.device_key, device.sig.publicKey];
  const coordinates = halves.flatMap((key) => ('y' in key ? [key.x, key.y] : [key.x]));
  const bytes = coordinates.map((text) => Buffer.from(decodeBase64url(text)).toString('latin1'));
  return [sub, NAME, SUBJECT, person.sig.kid, device.sig.kid, ...coordinates, ...bytes];
}

describe('erasing a person', () => {
  it('leaves nothing of them in any table but the events', async () => {
    const alice = await join(NAME, SUBJECT);
    await addDevice(alice.enrolled);
    const traces = tracesOf(alice);
    expect(await tablesWith(parts.database, traces)).toEqual([
      ...['addresses', 'device_requests', 'device_sign_ins', 'devices', 'enrolments', 'logged_versions'],
      ...['person_keys', 'persons', 'statements', 'upstream_identities'],
    ]);
    await leave(alice.sub);
    expect(await tablesWith(parts.database, traces)).toContain('statements');
    expect(await lifecycle.erasePerson(alice.sub, 'asked for it', ADA)).toEqual({
      sub: alice.sub,
      addresses: [{ address: ADDRESS, versions: 2 }],
    });
    expect(await tablesWith(parts.database, traces)).toEqual([]);
  });

  it('keeps of their address how many versions it had, and the hash of the last', async () => {
    const { sub } = await joinAndLeave(NAME, SUBJECT);
    const last = await read((query) => latestStatement(query, ADDRESS));
    await lifecycle.erasePerson(sub, undefined, ADA);
    const rows = await read((query) => query.selectFrom('statements').selectAll().execute());
    const hash = last && statementHash(last.statement);
    expect(rows).toEqual([
      { address: ADDRESS, version: 1, sub: '', status: 'erased', signed: '', hash, since: 0 },
    ]);
    expect(await openings()).toEqual([
      { version: 0, opening: null },
      { version: 1, opening: null },
    ]);
    expect(await tablesWith(parts.database, [ADDRESS])).toEqual(['logged_versions', 'statements']);
  });

  it('changes no byte of the log, so that what was signed and replayed before still holds', async () => {
    const { sub } = await joinAndLeave(NAME, SUBJECT);
    await parts.keyLog.published('address', ADDRESS, 1);
    const before = await logBytes();
    await lifecycle.erasePerson(sub, undefined, ADA);
    expect(await logBytes()).toEqual(before);
  });

  it('leaves one event, which names them by their id and says why', async () => {
    const { sub } = await joinAndLeave(NAME, SUBJECT);
    await lifecycle.erasePerson(sub, 'asked for it', ADA);
    await expectCode(lifecycle.erasePerson(sub, 'asked for it', ADA), 'person_unknown');
    const events = (await parts.eventsSoFar()).filter(({ type }) => type === 'person.erased');
    expect(events).toMatchObject([
      { actor: ADA.actor, subject: { sub }, data: { versions: 2, reason: 'asked for it' } },
    ]);
    expect(JSON.stringify(events)).not.toContain(NAME);
  });

  it('is for closed persons alone', async () => {
    const { sub } = await join(NAME, SUBJECT);
    await expectCode(lifecycle.erasePerson(sub, undefined, ADA), 'person_active');
    await expectCode(lifecycle.erasePerson('nobody', undefined, ADA), 'person_unknown');
    expect(await statusOf(ADDRESS)).toBe('credential');
  });

  it('is done as a whole or not at all', async () => {
    const { sub, enrolled } = await joinAndLeave(NAME, SUBJECT);
    await parts.keyLog.published('address', ADDRESS, 1);
    const events = { ...parts.events, append: () => Promise.reject(new Error('no event')) };
    await expect(lifecycleOf({ events }).erasePerson(sub, undefined, ADA)).rejects.toThrow('no event');
    expect(await tablesWith(parts.database, tracesOf({ sub, enrolled }))).toContain('persons');
    expect((await openings()).every(({ opening }) => opening !== null)).toBe(true);
    expect(await statusOf(ADDRESS)).toBe('revoked');
  });

  it('takes a service with its keys along', async () => {
    const sub = await parts.addPerson({ name: 'Dial-in', addresses: ['dial-in@acme.example'] });
    const service = { id: 'service-1', sub, name: 'Dial-in', assurance: 'gateway', created: 1 } as const;
    await parts.database.transaction((tx) =>
      insertService(tx, { ...service, address: 'dial-in@acme.example', jwks: '{"keys":[]}' }),
    );
    await leave(sub);
    await lifecycle.erasePerson(sub, undefined, ADA);
    expect(await tablesWith(parts.database, [sub, 'Dial-in'])).toEqual([]);
  });
});

describe('the address of an erased person', () => {
  it('is answered as nobody’s at once, whoever remembered the answer before', async () => {
    const { sub } = await joinAndLeave(NAME, SUBJECT);
    await parts.keyLog.published('address', ADDRESS, 1);
    const proof = () => read((query) => parts.keyLog.staple(query, 'address', ADDRESS, 1));
    expect([await statusOf(ADDRESS), await statusOf(ADDRESS)]).toEqual(['revoked', 'revoked']);
    expect(await proof()).not.toBeNull();
    await lifecycle.erasePerson(sub, undefined, ADA);
    expect(await parts.credentials.forAddress(ADDRESS)).toEqual({ status: 'not_found' });
    expect(await proof()).toBeNull();
  });

  it('is continued by the next holder, with a proof that verifies', async () => {
    const { sub } = await joinAndLeave(NAME, SUBJECT);
    const last = await read((query) => latestStatement(query, ADDRESS));
    await lifecycle.erasePerson(sub, undefined, ADA);
    const { enrolled } = await join('Bob', 'bob');
    expect(enrolled.offer.statement).toMatchObject({
      ...{ version: 2, key_version: 0, reason: 're-enrolled' },
      prev: last && statementHash(last.statement),
    });
    const { statement } = await verifyCredential(enrolled.result.credential, ADDRESS, verification());
    expect(statement).toEqual(enrolled.offer.statement);
  });

  it('is nobody’s still while the next holder’s enrolment is not in the log', async () => {
    const { sub } = await joinAndLeave(NAME, SUBJECT);
    await lifecycle.erasePerson(sub, undefined, ADA);
    const bob = await parts.addPerson({ name: 'Bob', addresses: [ADDRESS] });
    const enrolling = await begin(parts, bob);
    await parts.keyLog.stop();
    const { who, offer } = enrolling;
    const sent = await confirmation(parts.engine, enrolling);
    const confirmed = parts.enrolments.confirm(who, offer.enrolment_id, sent, contextOf(who));
    await expect
      .poll(() => read((query) => latestStatement(query, ADDRESS)), SOON)
      .toMatchObject({ statement: { version: 2 } });
    expect(await statusOf(ADDRESS)).toBe('not_found');
    parts.keyLog.start();
    await confirmed;
    expect(await statusOf(ADDRESS)).toBe('credential');
  });

  it('may be somebody else’s meanwhile, who loses neither key nor proof', async () => {
    const { sub } = await joinAndLeave(NAME, SUBJECT);
    const { enrolled } = await join('Bob', 'bob');
    await lifecycle.erasePerson(sub, undefined, ADA);
    const opened = (await openings()).map(({ version, opening }) => [version, opening !== null]);
    expect(opened).toEqual([
      [0, false],
      [1, false],
      [2, true],
    ]);
    const answer = await parts.credentials.forAddress(ADDRESS);
    if (answer.status !== 'credential') throw new Error(`it is ${answer.status}`);
    const { statement } = await verifyCredential(answer.credential, ADDRESS, verification());
    expect(statement).toEqual(enrolled.offer.statement);
    const rows = await read((query) => query.selectFrom('statements').select('version').execute());
    expect(rows).toEqual([{ version: 2 }]);
  });

  it('does not fall back to who had it before them, and keeps that person’s evidence', async () => {
    const bob = await joinAndLeave('Bob', 'bob');
    const alice = await joinAndLeave(NAME, SUBJECT);
    await lifecycle.erasePerson(alice.sub, undefined, ADA);
    expect(await statusOf(ADDRESS)).toBe('not_found');
    expect(await tablesWith(parts.database, [bob.sub])).toEqual([
      ...['device_sign_ins', 'enrolments', 'logged_versions', 'persons', 'statements', 'upstream_identities'],
    ]);
    await lifecycle.erasePerson(bob.sub, undefined, ADA);
    const rows = await read((query) =>
      query.selectFrom('statements').select(['version', 'status']).execute(),
    );
    expect(rows).toEqual([{ version: 3, status: 'erased' }]);
    expect(await statusOf(ADDRESS)).toBe('not_found');
  });

  it('is revoked with proof again when its next holder leaves', async () => {
    const { sub } = await joinAndLeave(NAME, SUBJECT);
    await lifecycle.erasePerson(sub, undefined, ADA);
    await joinAndLeave('Bob', 'bob');
    await parts.keyLog.published('address', ADDRESS, 3);
    const answer = await parts.credentials.forAddress(ADDRESS);
    if (answer.status !== 'revoked') throw new Error(`it is ${answer.status}`);
    const { issuer, now: time } = verification();
    const verified = await verifyRevocation(answer.revocation, ADDRESS, { issuer, now: time });
    expect(verified).toMatchObject({ level: 'logged', statement: { version: 3, status: 'revoked' } });
  });
});

/** A device that asked to be added, and was refused: what is left of that outlives a closing. */
async function addDevice({ who }: Enrolled): Promise<void> {
  const device = await newDevice(parts.engine, 'phone');
  const asking = holder(who.sub, device);
  const asked = {
    ...{ request_id: 'request-1', label: device.label, comparison: { method: 'fingerprint' } as const },
    ...{ device_key: preToJwk(device.pre.publicKey), device_sig: device.sig.publicKey },
  };
  const { id } = await parts.deviceAdditions.request(asking, asked, contextOf(asking));
  await parts.deviceAdditions.refuse(who, id, contextOf(who));
}
