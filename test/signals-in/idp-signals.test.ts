import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CAEP, RISC, SSF } from '../../bridge/signals/event-uris.ts';
import { SIGNAL_LIFE } from '../../protocol/partner-signal.ts';
import {
  type SetGiven,
  type SetLies,
  type SetTransmitter,
  startSetTransmitter,
} from '../fakes/set-transmitter.ts';
import { sendRaw } from '../http/api-request.ts';
import type { PersonApp } from '../http/person-app.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';

interface Issued {
  readonly token: string;
  readonly audience: string;
  readonly delivery_url: string;
  readonly effects: object;
  readonly last_signal: number | null;
}

const PATH = '/admin/v1/signals/transmitters';
let companies: TwoCompanies;
let idp: SetTransmitter;
let issued: Issued;

beforeAll(async () => {
  companies = await startTwoCompanies();
  idp = await startSetTransmitter(companies.stage, 'signals.acme.localhost');
  issued = await companies.acme.bridge.administrator.post<Issued>(PATH, {
    ...{ connection: 'work', issuer: idp.issuer, jwks_uri: idp.jwksUri },
  });
});
afterAll(() => companies?.close());

const now = () => Math.floor(companies.acme.bridge.clock.now() / 1000);

function sign(given: Partial<SetGiven> = {}, lies: SetLies = {}): Promise<string> {
  const subject = { format: 'email', email: 'ada@acme.example' };
  return idp.sign({ aud: issued.audience, now: now(), subject, ...given }, lies);
}

interface Answered {
  readonly status: number;
  readonly code?: string;
  readonly err?: string;
  readonly description?: string;
}

async function push(
  body: string,
  bearer: string | null = issued.token,
  connection = 'work',
): Promise<Answered> {
  const { status, text } = await sendRaw(companies.stage, companies.acme.bridge, {
    ...{ method: 'post', path: `/signals/v1/connections/${connection}`, body },
    headers: {
      'content-type': 'application/secevent+jwt',
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    },
  });
  return { status, ...(text === '' ? {} : JSON.parse(text)) };
}

async function lastSignal() {
  const events = await companies.acme.bridge.events();
  return events.findLast(({ type }) => type === 'signal.received' || type === 'signal.refused');
}

/** Whether the tokens of this app still count. */
async function isSignedIn(app: PersonApp): Promise<boolean> {
  const { accessToken } = await app.secrets();
  const hash = Buffer.from(
    await crypto.subtle.digest('SHA-256', new TextEncoder().encode(accessToken)),
  ).toString('base64url');
  const row = await companies.acme.bridge.store.read((query) =>
    query.selectFrom('oauth_records').select('id_hash').where('id_hash', '=', hash).executeTakeFirst(),
  );
  return row !== undefined;
}

async function statusOf(sub: string): Promise<string | undefined> {
  const row = await companies.acme.bridge.store.read((query) =>
    query.selectFrom('persons').select('status').where('sub', '=', sub).executeTakeFirst(),
  );
  return row?.status;
}

const EMAIL = { format: 'email', email: 'ada@acme.example' };

describe('a signal of the company’s identity provider', () => {
  it.each([
    ['a CAEP session-revoked', CAEP.sessionRevoked, {}],
    ['a RISC sessions-revoked', RISC.sessionsRevoked, {}],
    [
      'a CAEP credential-change',
      CAEP.credentialChange,
      { credential_type: 'password', change_type: 'update' },
    ],
    ['a RISC credential-compromise', RISC.credentialCompromise, { credential_type: 'password' }],
    ['a device that does not comply', CAEP.deviceComplianceChange, { current_status: 'not-compliant' }],
  ])('%s: the person is signed out everywhere, and stays', async (_what, event, said) => {
    const ada = await companies.acme.signIn('ada');
    const { sub } = await ada.client.me();
    expect(await isSignedIn(ada)).toBe(true);
    expect(await push(await sign({ event, said }))).toEqual({ status: 202 });
    expect(await isSignedIn(ada)).toBe(false);
    expect(await statusOf(sub)).toBe('active');
    expect(await lastSignal()).toMatchObject({
      ...{ type: 'signal.received', outcome: 'success', actor: { kind: 'system' } },
      subject: { connection: 'work', sub },
      data: { issuer: idp.issuer, event, effect: 'sign-out', txn: 'txn-1' },
    });
  });

  it('that an account is disabled closes the person, in the transaction of the signal', async () => {
    const bob = await companies.acme.signIn('bob');
    await bob.client.enrol({ label: 'Laptop' });
    const { sub } = await bob.client.me();
    const subject = { format: 'email', email: 'Bob@acme.example' };
    const said = { reason_admin: { en: 'Left the company' } };
    expect(await push(await sign({ subject, said }))).toEqual({ status: 202 });
    expect(await statusOf(sub)).toBe('closed');
    expect(await isSignedIn(bob)).toBe(false);
    const events = await companies.acme.bridge.events();
    const ofIt = events.filter(({ subject: about }) => about.sub === sub).map(({ type }) => type);
    expect(ofIt).toEqual(expect.arrayContaining(['person.closed', 'statement.revoked', 'signal.received']));
    expect(await lastSignal()).toMatchObject({ data: { effect: 'close', reason: 'Left the company' } });
    // There is nothing more to take away: they hold no address any more.
    expect(await push(await sign({ subject }))).toEqual({ status: 202 });
    expect(await lastSignal()).toMatchObject({ data: { effect: 'nobody' } });
  });

  it('names the person by the subject that the connection knows them by', async () => {
    const carol = await companies.acme.signIn('carol');
    const { sub } = await carol.client.me();
    const connection = await companies.acme.bridge.administrator.get<{ settings: { issuer: string } }>(
      '/admin/v1/connections/work',
    );
    const named = { format: 'iss_sub', iss: connection.settings.issuer, sub: 'sub-carol' };
    await push(await sign({ subject: named, event: CAEP.sessionRevoked }));
    expect(await lastSignal()).toMatchObject({ subject: { sub }, data: { effect: 'sign-out' } });
    const session = { format: 'opaque', id: 'session-1' };
    const complex = { format: 'complex', user: named, session };
    await push(await sign({ subject: complex, event: CAEP.sessionRevoked }));
    expect(await lastSignal()).toMatchObject({ subject: { sub }, data: { effect: 'sign-out' } });
  });

  it('takes nothing for who is nobody here, for a device that complies, and for an account that is enabled', async () => {
    const ada = await companies.acme.signIn('ada');
    const cases: [Partial<SetGiven>, string][] = [
      [{ subject: { format: 'email', email: 'nobody@acme.example' } }, 'nobody'],
      [{ event: CAEP.deviceComplianceChange, said: { current_status: 'compliant' } }, 'report'],
      [{ event: RISC.accountEnabled }, 'report'],
      [{ event: 'https://schemas.openid.net/secevent/risc/event-type/opt-in' }, 'none'],
      [{ event: SSF.verification, subject: { format: 'opaque', id: 'stream-1' } }, 'verified'],
    ];
    for (const [given, effect] of cases) {
      expect(await push(await sign(given)), effect).toEqual({ status: 202 });
      expect(await lastSignal()).toMatchObject({ type: 'signal.received', data: { effect } });
    }
    expect(await isSignedIn(ada)).toBe(true);
    const { last_signal: last } = await companies.acme.bridge.administrator.get<Issued>(`${PATH}/work`);
    expect(last).toBeGreaterThanOrEqual(now() - 60);
  });

  it('does what it does once, however often it comes', async () => {
    const token = await sign({ event: CAEP.sessionRevoked });
    expect(await push(token)).toEqual({ status: 202 });
    const ada = await companies.acme.signIn('ada');
    expect(await Promise.all([push(token), push(token)])).toEqual([{ status: 202 }, { status: 202 }]);
    expect(await isSignedIn(ada)).toBe(true);
  });

  it('does what the administrator says in the place of the default', async () => {
    const ada = await companies.acme.signIn('ada');
    const { administrator } = companies.acme.bridge;
    await administrator.patch(`${PATH}/work`, { effects: { 'session-revoked': 'report' } });
    await push(await sign({ event: CAEP.sessionRevoked }));
    expect(await lastSignal()).toMatchObject({ data: { effect: 'report' } });
    expect(await isSignedIn(ada)).toBe(true);
    await administrator.patch(`${PATH}/work`, { effects: {} });
  });

  it('by a key that was published a moment after we looked is put off, not refused', async () => {
    await idp.rotate('ES256');
    const token = await sign({ event: RISC.accountEnabled });
    expect(await push(token)).toMatchObject({ status: 503, code: 'unavailable' });
    const { administrator } = companies.acme.bridge;
    await administrator.patch(`${PATH}/work`, { jwks_uri: `${idp.jwksUri}?again` });
    expect(await push(token)).toEqual({ status: 202 });
    await idp.rotate('RS256');
    await administrator.patch(`${PATH}/work`, { jwks_uri: `${idp.jwksUri}?both` });
  });
});

describe('a signal is refused', () => {
  const lies: Readonly<Record<string, readonly [Partial<SetGiven>, SetLies, string, string]>> = {
    'from another issuer': [{}, { claims: { iss: 'https://evil.example' } }, 'invalid_issuer', 'set_issuer'],
    'for another audience': [{ aud: 'https://other.example' }, {}, 'invalid_audience', 'set_audience'],
    'about a domain that is not the connection’s': [
      { subject: { format: 'email', email: 'gwen@globex.example' } },
      {},
      ...(['invalid_request', 'set_subject'] as const),
    ],
    'about a subject of another issuer': [
      { subject: { format: 'iss_sub', iss: 'https://evil.example', sub: 'sub-ada' } },
      {},
      ...(['invalid_request', 'set_subject'] as const),
    ],
    'about a subject of another form': [
      { subject: { format: 'phone_number', phone_number: '+41' } },
      {},
      ...(['invalid_request', 'set_subject'] as const),
    ],
    'with two events': [
      {},
      { claims: { events: { [CAEP.sessionRevoked]: {}, [RISC.accountDisabled]: {} } } },
      ...(['invalid_request', 'set_invalid'] as const),
    ],
    'with no event': [{}, { claims: { events: {} } }, 'invalid_request', 'set_invalid'],
    'with a sub, as an ID token has': [{}, { claims: { sub: 'x' } }, 'invalid_request', 'set_invalid'],
    'with an exp': [{}, { claims: { exp: 9_999_999_999 } }, 'invalid_request', 'set_invalid'],
    'without a jti': [{}, { claims: { jti: undefined } }, 'invalid_request', 'set_invalid'],
    'of another type': [{}, { header: { typ: 'JWT' } }, 'invalid_request', 'set_invalid'],
    'of the type of a logout token': [
      {},
      { header: { typ: 'logout+jwt' } },
      'invalid_request',
      'set_invalid',
    ],
    'that is too old': [{}, { claims: { iat: 1_000 } }, 'invalid_request', 'jws_expired'],
  };

  it.each(Object.entries(lies))('%s, and nobody loses anything', async (_what, [given, lie, err, code]) => {
    const ada = await companies.acme.signIn('ada');
    expect(await push(await sign({ subject: EMAIL, ...given }, lie))).toMatchObject({ status: 400, err });
    expect(await lastSignal()).toMatchObject({
      ...{ type: 'signal.refused', outcome: 'failure', code },
      ...{ subject: { connection: 'work' }, data: { claimed_issuer: idp.issuer } },
    });
    expect(await isSignedIn(ada)).toBe(true);
  });

  it('from the future, for now: our clock may be behind, and the sender tries again', async () => {
    const ahead = await sign({ subject: EMAIL }, { claims: { iat: 9_999_999_999 } });
    expect(await push(ahead)).toMatchObject({ status: 503, code: 'jws_not_yet_valid' });
    expect(await lastSignal()).toMatchObject({ type: 'signal.refused', code: 'jws_not_yet_valid' });
  });

  it('by a key that is not published, or by none', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const forged = await sign({}, { key: privateKey });
    expect(await push(forged)).toMatchObject({ status: 400, err: 'invalid_key' });
    expect(await lastSignal()).toMatchObject({ code: 'set_key' });
    const [header, payload] = (await sign()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'secevent+jwt' })).toString('base64url');
    expect(await push(`${none}.${payload}.`)).toMatchObject({ status: 400, err: 'invalid_key' });
    expect(await push(`${header}.${payload}.AAAA`)).toMatchObject({ status: 400, err: 'invalid_key' });
    const secret = new TextEncoder().encode('x'.repeat(64));
    const confused = await sign({}, { key: secret, header: { alg: 'HS256' } });
    expect(await push(confused)).toMatchObject({ status: 400, err: 'invalid_key' });
  });

  it('without the transmitter’s token, and where there is no transmitter', async () => {
    const token = await sign();
    for (const bearer of [null, 'wrong', '']) {
      expect(await push(token, bearer)).toMatchObject({ status: 401, err: 'authentication_failed' });
    }
    expect(await push(token, issued.token, 'other')).toMatchObject({ status: 401 });
  });

  it('for now where the keys cannot be had: the sender tries again', async () => {
    const { administrator } = companies.acme.bridge;
    await administrator.patch(`${PATH}/work`, { jwks_uri: `${idp.jwksUri}?elsewhere` });
    idp.status = 503;
    expect(await push(await sign())).toMatchObject({ status: 502, code: 'upstream_unreachable' });
    idp.status = 200;
    expect(await push(await sign({ event: RISC.accountEnabled }))).toEqual({ status: 202 });
    await administrator.patch(`${PATH}/work`, { jwks_uri: `${idp.jwksUri}?both` });
  });
});

it('is taken for as long as its jti is remembered', () => {
  expect(SIGNAL_LIFE).toBe(604_800);
});
