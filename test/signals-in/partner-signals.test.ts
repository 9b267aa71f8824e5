import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { foreignChangesSince } from '../../bridge/federation/foreign-changes.ts';
import { CAEP } from '../../bridge/signals/event-uris.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import { signJws } from '../../protocol/jws.ts';
import { SIGNAL_LIFE } from '../../protocol/partner-signal.ts';
import { entityConfiguration } from '../fakes/lying-bridge.ts';
import { partnerSignalClaims, signPartnerSignal } from '../fakes/partner-signal.ts';
import {
  ADMINISTRATOR,
  type FederationFixture,
  federationFixture,
  OWN,
} from '../federation/federation-fixture.ts';
import { DAY, NOW, testKey } from '../protocol/company.ts';

const BOB = 'bob@globex.example';
const CONTEXT = { requestId: 'r', actor: { kind: 'anonymous', address: '192.0.2.7' } } as const;
const OLDEST = 3_600;

let fixture: FederationFixture;

beforeEach(async () => {
  fixture = await federationFixture();
  await fixture.approveGlobex();
});
afterEach(() => fixture.close());

function claims(changes: Readonly<Record<string, unknown>> = {}) {
  return partnerSignalClaims({ iss: fixture.globex.company.iss, aud: OWN, email: BOB, now: NOW }, changes);
}

const signed = (changes: Readonly<Record<string, unknown>> = {}) =>
  signPartnerSignal(fixture.globex.company, claims(changes));

async function codeOf(token: string): Promise<string> {
  try {
    await fixture.partnerSignals.take(token, CONTEXT);
    return 'taken';
  } catch (error) {
    return isCountersignError(error) ? error.code : String(error);
  }
}

const received = async () =>
  (await fixture.events()).filter(({ type }) => type === 'signal.received' || type === 'signal.refused');

const changes = () => fixture.database.read((query) => foreignChangesSince(query, [BOB], 0));

describe('a partner’s signal about one of its people', () => {
  test('makes the next look-up ask the partner, although an answer is at hand', async () => {
    const { requests } = fixture.globex;
    await fixture.lookUp([BOB], OLDEST);
    await fixture.lookUp([BOB], OLDEST);
    expect(requests).toHaveLength(1);
    expect(await codeOf(await signed())).toBe('taken');
    await fixture.lookUp([BOB], OLDEST);
    expect(requests).toHaveLength(2);
    await fixture.lookUp([BOB], OLDEST);
    expect(requests).toHaveLength(2);
  });

  test('spoils the answer that is under way when it comes', async () => {
    const { lies, requests } = fixture.globex;
    const token = await signed();
    lies.response = async (honest) => {
      if (requests.length === 1) await fixture.partnerSignals.take(token, CONTEXT);
      return honest;
    };
    await fixture.lookUp([BOB], OLDEST);
    await fixture.lookUp([BOB], OLDEST);
    expect(requests).toHaveLength(2);
  });

  test('is an event that says whom it is about and from whom it came', async () => {
    await codeOf(await signed());
    const { iss } = fixture.globex.company;
    expect(await received()).toMatchObject([
      {
        ...{ type: 'signal.received', outcome: 'success', request_id: 'r' },
        actor: { kind: 'partner', iss, address: '192.0.2.7' },
        subject: { partner: iss, address: BOB },
        data: {
          ...{ issuer: iss, jti: 'signal-1', txn: 'act-1', event: CAEP.credentialChange },
          ...{ effect: 'forgotten', change: 'revoked', event_time: NOW },
        },
      },
    ]);
    expect(await changes()).toMatchObject([{ address: BOB, partner: iss, reason: 'revoked' }]);
  });

  test('is taken again when it comes again, and reported once', async () => {
    const token = await signed();
    expect(await Promise.all([codeOf(token), codeOf(token)])).toEqual(['taken', 'taken']);
    expect(await received()).toHaveLength(1);
  });

  test('tells of a new key as published', async () => {
    await codeOf(await signed({ events: { [CAEP.credentialChange]: { change_type: 'create' } } }));
    expect(await changes()).toMatchObject([{ reason: 'published' }]);
  });

  test('is forgotten when nobody can come back to it any more', async () => {
    await codeOf(await signed());
    expect(await fixture.partnerSignals.purge()).toBe(0);
    fixture.clock.advance(3 * 86_400_000);
    expect(await fixture.partnerSignals.purge()).toBe(1);
    expect(await changes()).toEqual([]);
  });
});

describe('a signal', () => {
  const refusedFor: Readonly<Record<string, readonly [Readonly<Record<string, unknown>>, string]>> = {
    'about somebody of another domain': [{ sub_id: email('carol@initech.example') }, 'set_subject'],
    'about one of our own people': [{ sub_id: email('alice@acme.example') }, 'set_subject'],
    'about an address in another form': [{ sub_id: email('Bob@globex.example') }, 'set_subject'],
    'about what is no address': [{ sub_id: email('bob') }, 'address_invalid'],
    'with a subject of another kind': [{ sub_id: { format: 'opaque', id: 'x' } }, 'claims_invalid'],
    'for another bridge': [{ aud: 'https://bridge.initech.example' }, 'set_audience'],
    'with two events': [
      { events: { [CAEP.sessionRevoked]: {}, [CAEP.credentialChange]: {} } },
      'claims_invalid',
    ],
    'with no event': [{ events: {} }, 'claims_invalid'],
    'with an exp': [{ exp: NOW + 60 }, 'claims_invalid'],
    'without a txn': [{ txn: undefined }, 'claims_invalid'],
    'that is older than what is remembered': [{ iat: NOW - SIGNAL_LIFE }, 'jws_expired'],
    'from the future': [{ iat: NOW + 120 }, 'jws_not_yet_valid'],
    'from a bridge that nobody approved': [{ iss: 'https://bridge.initech.example' }, 'partner_unknown'],
  };

  test.each(Object.entries(refusedFor))(
    '%s is refused, and nothing is forgotten',
    async (_what, [lie, code]) => {
      await fixture.lookUp([BOB], OLDEST);
      expect(await codeOf(await signed(lie))).toBe(code);
      await fixture.lookUp([BOB], OLDEST);
      expect(fixture.globex.requests).toHaveLength(1);
      expect(await changes()).toEqual([]);
    },
  );

  test('by a key that the partner does not publish is jws_unknown_key', async () => {
    const forged = await signJws(await testKey('mallory'), 'secevent+jwt', claims() as never);
    expect(await codeOf(forged)).toBe('jws_unknown_key');
  });

  test('by the partner’s key of another purpose is jws_unknown_key', async () => {
    expect(
      await codeOf(await fixture.globex.company.signs('binding', 'secevent+jwt', claims() as never)),
    ).toBe('jws_unknown_key');
  });

  test('of another type is jws_type', async () => {
    const other = await fixture.globex.company.signs(
      'federation',
      'key-lookup-request+jwt',
      claims() as never,
    );
    expect(await codeOf(other)).toBe('jws_type');
  });

  test('with another payload under the same signature is jws_signature', async () => {
    const [header, , signature] = (await signed()).split('.');
    const payload = Buffer.from(JSON.stringify(claims({ jti: 'another' }))).toString('base64url');
    expect(await codeOf(`${header}.${payload}.${signature}`)).toBe('jws_signature');
  });

  test('of a partner whose keys ran out here is to be sent again, and is taken once they can be read', async () => {
    const { company, lies } = fixture.globex;
    lies.entity = () => Promise.reject(new Error('out of reach'));
    fixture.clock.advance(100 * DAY * 1000);
    const iat = NOW + 100 * DAY;
    const token = await signed({ iat });
    const error = await fixture.partnerSignals.take(token, CONTEXT).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'partner_expired', retryAfter: 60 });
    lies.entity = async () => {
      const exp = iat + 90 * DAY;
      const keys = company.onlineKeysClaims().keys.map((key) => ({ ...key, exp }));
      const claims = await company.entityConfigurationClaims({ iat, exp: iat + DAY });
      claims.metadata.key_bridge.online_keys = await company.onlineKeysToken({ serial: 2, iat, exp, keys });
      return entityConfiguration(company, claims);
    };
    fixture.clock.advance(60_000);
    expect(await codeOf(token)).toBe('taken');
  });

  test('of a suspended partner is partner_suspended', async () => {
    await fixture.partners.suspend(fixture.globex.company.iss, 'an incident', ADMINISTRATOR);
    expect(await codeOf(await signed())).toBe('partner_suspended');
  });
});

function email(address: string) {
  return { format: 'email', email: address };
}
