import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isCountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { signJws } from '../../protocol/jws.ts';
import type { LookUpRequest } from '../../protocol/look-up.ts';
import { verifyLookUpResponse } from '../../protocol/look-up.ts';
import { entityConfiguration } from '../fakes/lying-bridge.ts';
import { NOW, testKey } from '../protocol/company.ts';
import { ADMINISTRATOR, type FederationFixture, federationFixture, OWN } from './federation-fixture.ts';

let fixture: FederationFixture;

beforeEach(async () => {
  fixture = await federationFixture();
  await fixture.approveGlobex();
});

afterEach(() => fixture.close());

const CONTEXT = { requestId: 'r', actor: { kind: 'anonymous' } } as const;

async function request(changes: Partial<LookUpRequest> = {}): Promise<string> {
  const claims = {
    iss: fixture.globex.company.iss,
    aud: OWN,
    jti: 'request-1',
    iat: NOW,
    exp: NOW + 60,
    addresses: ['alice@acme.example'],
    max_age: 0,
    ...changes,
  };
  return fixture.globex.company.signs('federation', 'key-lookup-request+jwt', claims);
}

async function codeOf(token: string): Promise<string> {
  try {
    await fixture.lookUps.answerPartner(token, CONTEXT);
    return 'answered';
  } catch (error) {
    return isCountersignError(error) ? error.code : String(error);
  }
}

describe('a partner’s signed request', () => {
  test('is answered for that partner and that request, about own addresses alone', async () => {
    const addresses = ['alice@acme.example', 'bob@globex.example'];
    const token = await request({ addresses });
    const answer = await fixture.lookUps.answerPartner(token, CONTEXT);
    const asked = {
      aud: fixture.globex.company.iss,
      jti: 'request-1',
      requestHash: sha256Base64url(token),
      addresses,
    };
    const { results } = await verifyLookUpResponse(answer, fixture.signer.onlineKeys(), asked, NOW);
    expect(results).toMatchObject([
      { status: 'not_found', source: 'own' },
      { status: 'refused', code: 'partner_unknown' },
    ]);
  });

  test('a second time is replayed', async () => {
    const token = await request();
    expect([await codeOf(token), await codeOf(token)]).toEqual(['answered', 'replayed']);
  });

  test('twice at the same time is answered once', async () => {
    const token = await request();
    expect((await Promise.all([codeOf(token), codeOf(token)])).sort()).toEqual(['answered', 'replayed']);
  });

  test('for another bridge is jws_audience', async () => {
    expect(await codeOf(await request({ aud: 'https://bridge.initech.example' }))).toBe('jws_audience');
  });

  test('that lives longer than a minute is claims_invalid', async () => {
    expect(await codeOf(await request({ exp: NOW + 61 }))).toBe('claims_invalid');
  });

  test('that is expired is jws_expired', async () => {
    expect(await codeOf(await request({ iat: NOW - 300, exp: NOW - 240 }))).toBe('jws_expired');
  });

  test('from a bridge that nobody approved is partner_unknown', async () => {
    expect(await codeOf(await request({ iss: 'https://bridge.initech.example' }))).toBe('partner_unknown');
  });

  test('by a key that the partner does not publish is jws_unknown_key', async () => {
    const claims = { iss: fixture.globex.company.iss, aud: OWN, jti: 'j', iat: NOW, exp: NOW + 60 };
    const forged = await signJws(await testKey('mallory'), 'key-lookup-request+jwt', {
      ...claims,
      addresses: ['alice@acme.example'],
      max_age: 0,
    });
    expect(await codeOf(forged)).toBe('jws_unknown_key');
  });

  test('by unknown keys, however many, makes us read the partner again once a minute at most', async () => {
    let readings = 0;
    const { company, lies } = fixture.globex;
    lies.entity = async () => {
      readings += 1;
      return entityConfiguration(company);
    };
    const stranger = await testKey('mallory');
    const claims = { iss: company.iss, aud: OWN, jti: 'j', iat: NOW, exp: NOW + 60, max_age: 0 };
    const addresses = ['alice@acme.example'];
    const forged = await signJws(stranger, 'key-lookup-request+jwt', { ...claims, addresses });
    for (const _ of [1, 2, 3]) await codeOf(forged);
    expect(readings).toBe(1);
    fixture.clock.advance(60_000);
    await codeOf(forged);
    expect(readings).toBe(2);
  });

  test('signed with the partner’s binding key, a key of another purpose, is jws_unknown_key', async () => {
    const claims = { iss: fixture.globex.company.iss, aud: OWN, jti: 'j', iat: NOW, exp: NOW + 60 };
    const token = await fixture.globex.company.signs('binding', 'key-lookup-request+jwt', {
      ...claims,
      addresses: ['alice@acme.example'],
      max_age: 0,
    });
    expect(await codeOf(token)).toBe('jws_unknown_key');
  });

  test('of a suspended partner is partner_suspended', async () => {
    await fixture.partners.suspend(fixture.globex.company.iss, 'an incident', ADMINISTRATOR);
    expect(await codeOf(await request())).toBe('partner_suspended');
  });

  test('with more than 1,000 addresses is claims_invalid', async () => {
    const addresses = Array.from({ length: 1001 }, (_, index) => `p${index}@acme.example`);
    expect(await codeOf(await request({ addresses }))).toBe('claims_invalid');
  });
});
