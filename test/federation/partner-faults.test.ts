import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LOOKUP_MAX_AGE_S, LOOKUP_RESPONSE_BYTES } from '../../bridge/lib/limits.ts';
import type { LookUpResponse } from '../../protocol/look-up.ts';
import type { Lies } from '../fakes/lying-bridge.ts';
import { makePerson, NOW } from '../protocol/company.ts';
import { type FederationFixture, federationFixture } from './federation-fixture.ts';

let fixture: FederationFixture;

beforeEach(async () => {
  fixture = await federationFixture();
  await fixture.approveGlobex();
});

afterEach(() => fixture.close());

async function codeAfter(lies: Lies): Promise<string> {
  fixture.globex.lies = lies;
  const { results } = await fixture.lookUp([fixture.globex.company.person.address]);
  return results[0]?.status === 'refused' ? results[0].code : String(results[0]?.status);
}

async function faultsRecorded(): Promise<(string | null)[]> {
  return (await fixture.events()).filter(({ type }) => type === 'partner.fault').map(({ code }) => code);
}

describe('an honest partner', () => {
  test('answers with a credential that is passed on as it is, with the record that it stands on', async () => {
    const { company } = fixture.globex;
    const response = await fixture.lookUp([company.person.address]);
    expect(response.results).toMatchObject([
      { status: 'credential', address: company.person.address, source: 'partner', iss: company.iss },
    ]);
    expect(response.records).toHaveLength(2);
    expect(await faultsRecorded()).toEqual([]);
  });

  test('its `not_found` is repeated as the partner’s claim', async () => {
    const { results } = await fixture.lookUp(['nobody@globex.example']);
    expect(results).toMatchObject([
      { status: 'not_found', source: 'partner', iss: fixture.globex.company.iss },
    ]);
  });

  test('is asked once for a batch, and own and unknown addresses of it are answered beside', async () => {
    const { results } = await fixture.lookUp([
      'nobody@acme.example',
      fixture.globex.company.person.address,
      'x@initech.example',
      'nobody@globex.example',
      'Upper@globex.example',
    ]);
    expect(results.map((result) => (result.status === 'refused' ? result.code : result.status))).toEqual([
      'not_found',
      'credential',
      'partner_unknown',
      'not_found',
      'address_invalid',
    ]);
    expect(fixture.globex.requests).toHaveLength(1);
  });

  test('is not asked again within `max_age`, and is with `max_age` 0', async () => {
    const address = fixture.globex.company.person.address;
    await fixture.lookUp([address], 60);
    fixture.clock.advance(30_000);
    await fixture.lookUp([address], 60);
    expect(fixture.globex.requests).toHaveLength(1);
    await fixture.lookUp([address], 0);
    expect(fixture.globex.requests).toHaveLength(2);
  });

  test('is asked for an answer as old as a client takes one, but for none older than an hour', async () => {
    const address = fixture.globex.company.person.address;
    await fixture.lookUp([address], 600);
    await fixture.lookUp(['nobody@globex.example'], 86_400);
    expect(fixture.globex.requests.map(({ max_age: maxAge }) => maxAge)).toEqual([600, LOOKUP_MAX_AGE_S]);
  });

  test('an answer older than `max_age` is not served from the cache', async () => {
    const address = fixture.globex.company.person.address;
    await fixture.lookUp([address], 60);
    fixture.clock.advance(61_000);
    await fixture.lookUp([address], 60);
    expect(fixture.globex.requests).toHaveLength(2);
  });
});

describe('a partner that does wrong gets its own error, an event, and spoils no other address', () => {
  const changed = (changes: Partial<LookUpResponse>): Lies => ({
    response: (honest) => ({ ...honest, ...changes }),
  });

  test('down: partner_unreachable', async () => {
    await fixture.globex.close();
    expect(await codeAfter({})).toBe('partner_unreachable');
    expect(await faultsRecorded()).toEqual(['partner_unreachable']);
  });

  test('failing: partner_unreachable', async () => {
    expect(await codeAfter({ status: 503 })).toBe('partner_unreachable');
  });

  test('refusing us: partner_refuses', async () => {
    expect(await codeAfter({ status: 403 })).toBe('partner_refuses');
  });

  test('slow: partner_slow', async () => {
    expect(await codeAfter({ hangs: true })).toBe('partner_slow');
  });

  test('answering with a broken signature: partner_lying', async () => {
    expect(await codeAfter({ token: (honest) => `${honest.slice(0, -4)}AAAA` })).toBe('partner_lying');
    expect(await faultsRecorded()).toEqual(['partner_lying']);
  });

  test('answering another request (a replay): partner_replay', async () => {
    expect(await codeAfter(changed({ jti: 'another' }))).toBe('partner_replay');
  });

  test('answering with the hash of another request: partner_replay', async () => {
    const request_hash = 'A'.repeat(43);
    expect(await codeAfter(changed({ request_hash }))).toBe('partner_replay');
  });

  test('answering another bridge: partner_lying', async () => {
    expect(await codeAfter(changed({ aud: 'https://bridge.initech.example' }))).toBe('partner_lying');
  });

  test('answering with an expired response: partner_expired', async () => {
    expect(await codeAfter(changed({ iat: NOW - 600, exp: NOW - 500 }))).toBe('partner_expired');
  });

  test('answering at greater length than an answer can have: partner_lying', async () => {
    const lengthen = (bytes: number) => codeAfter({ token: (honest) => honest.padEnd(bytes) });
    expect(await lengthen(LOOKUP_RESPONSE_BYTES + 1)).toBe('partner_lying');
    expect(await lengthen(LOOKUP_RESPONSE_BYTES)).toBe('credential');
  });

  test('leaving an address out: partner_lying', async () => {
    expect(await codeAfter(changed({ results: [] }))).toBe('partner_lying');
  });

  test('substituting a key under its person’s old signature: partner_lying', async () => {
    const { company } = fixture.globex;
    const mallory = await makePerson('mallory', company.domain);
    const { statement, signatures } = await company.signedStatement();
    const forged = { ...statement, keys: [mallory.pre, mallory.sig.publicKey] as typeof statement.keys };
    const binding = await company.binding({ statement: forged, signatures });
    const credential = await company.credential(undefined, { binding });
    const lie: Lies = {
      response: (honest) => ({
        ...honest,
        results: honest.results.map((result) =>
          result.status === 'credential' ? { ...result, credential } : result,
        ),
      }),
    };
    expect(await codeAfter(lie)).toBe('partner_lying');
  });

  test('speaking for a foreign domain: partner_foreign_domain', async () => {
    const { company } = fixture.globex;
    const foreign = await company.signedStatement(company.statement({ address: 'ceo@initech.example' }));
    const credential = await company.credential(foreign);
    fixture.globex.lies = {
      response: (honest) => ({
        ...honest,
        results: honest.results.map((result) => ({
          address: result.address,
          source: 'own',
          iss: company.iss,
          as_of: NOW,
          status: 'credential',
          credential,
        })),
      }),
    };
    const { results } = await fixture.lookUp([company.person.address]);
    expect(results).toMatchObject([{ status: 'refused', code: 'partner_foreign_domain' }]);
    expect(await faultsRecorded()).toEqual(['partner_foreign_domain']);
  });

  test('answering with another person of its own domain: partner_lying', async () => {
    const { company } = fixture.globex;
    const carol = await company.signedStatement(company.statement({ address: 'carol@globex.example' }));
    const credential = await company.credential(carol);
    const lie: Lies = {
      response: (honest) => ({
        ...honest,
        results: honest.results.map((result) =>
          result.status === 'credential' ? { ...result, credential } : result,
        ),
      }),
    };
    expect(await codeAfter(lie)).toBe('partner_lying');
  });

  test('passing on another bridge’s claim: partner_lying', async () => {
    const lie: Lies = {
      response: (honest) => ({
        ...honest,
        results: honest.results.map(({ address }) => ({
          status: 'not_found',
          address,
          source: 'partner',
          iss: 'https://bridge.initech.example',
          as_of: NOW,
        })),
      }),
    };
    expect(await codeAfter(lie)).toBe('partner_lying');
  });
});
