import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../protocol/canonical-json.ts';
import { type EntityConfiguration, verifyEntityConfiguration } from '../../protocol/entity-configuration.ts';
import type { KeyPurpose } from '../../protocol/online-keys.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, NOW } from './company.ts';

let acme: Company;
let globex: Company;

beforeAll(async () => {
  acme = await makeCompany();
  globex = await makeCompany('globex', 'bob');
});

async function configuration(
  changes: Partial<EntityConfiguration> = {},
  by: KeyPurpose = 'federation',
): Promise<string> {
  const claims = await acme.entityConfigurationClaims(changes);
  return acme.signs(by, 'entity-statement+jwt', claims as Json);
}
async function bridge(changes: object): Promise<Partial<EntityConfiguration>> {
  const { metadata } = await acme.entityConfigurationClaims();
  return { metadata: { key_bridge: { ...metadata.key_bridge, ...changes } } };
}
const expected = () => ({ entityId: acme.iss, rootThumbprint: acme.root.kid });
const verify = (token: string, changes: object = {}, now = NOW) =>
  verifyEntityConfiguration(token, { ...expected(), ...changes }, now);

describe('verifyEntityConfiguration', () => {
  it('answers the configuration and the online keys within', async () => {
    const verified = await verify(await configuration());
    expect(verified.configuration.metadata.key_bridge.domains).toEqual(['acme.example']);
    expect(verified.onlineKeys.find('binding', acme.keys.binding.kid).purpose).toBe('binding');
    expect(verified.onlineKeysToken).toBe(await acme.onlineKeysToken());
  });

  it('leaves what the standard adds to the standard', async () => {
    const extended = {
      ...(await acme.entityConfigurationClaims()),
      authority_hints: ['https://anchor.example'],
    };
    const token = await acme.signs('federation', 'entity-statement+jwt', extended as Json);
    expect((await verify(token)).configuration.iss).toBe(acme.iss);
  });

  it('is refused under another root than the pinned one', async () => {
    const token = await configuration();
    expect(await codeOf(() => verify(token, { rootThumbprint: globex.root.kid }))).toBe('root_mismatch');
  });

  it('is refused with another company’s online keys inside', async () => {
    const token = await configuration(await bridge({ online_keys: await globex.onlineKeysToken() }));
    expect(await codeOf(() => verify(token))).toBe('root_mismatch');
  });

  it('is refused when another company’s is served in its place', async () => {
    const claims = await globex.entityConfigurationClaims();
    const token = await globex.signs('federation', 'entity-statement+jwt', claims as Json);
    expect(await codeOf(() => verify(token))).toBe('root_mismatch');
  });

  it('is refused when a key of another purpose signed it', async () => {
    const token = await configuration({}, 'binding');
    expect(await codeOf(() => verify(token))).toBe('jws_unknown_key');
  });

  it('is refused when its online keys are older than ones seen', async () => {
    const token = await configuration();
    expect(await codeOf(() => verify(token, { leastSerial: 2 }))).toBe('serial_rollback');
  });

  it('is refused when it has expired: a partner that is silent for long is suspended', async () => {
    const token = await configuration();
    expect(await codeOf(() => verify(token, {}, NOW + DAY + 60))).toBe('jws_expired');
  });

  it('is refused when it is about another entity than its issuer', async () => {
    const token = await configuration({ sub: globex.iss });
    expect(await codeOf(() => verify(token))).toBe('jws_issuer');
  });

  it('is refused when its jwks does not hold the key that signed, or misnames one', async () => {
    const { publicKey, kid } = acme.keys.federation;
    const { publicKey: other, kid: otherKid } = acme.keys.log;
    const absent = await configuration({ jwks: { keys: [{ ...other, kid: otherKid }] } });
    expect(await codeOf(() => verify(absent))).toBe('claims_invalid');
    const misnamed = await configuration({
      jwks: {
        keys: [
          { ...other, kid },
          { ...publicKey, kid: otherKid },
        ],
      },
    });
    expect(await codeOf(() => verify(misnamed))).toBe('claims_invalid');
  });

  it.each([
    ['a look-up endpoint without TLS', { lookup_endpoint: 'http://bridge.acme.example/v1' }],
    ['a look-up endpoint that is code', { lookup_endpoint: 'javascript:alert(1)' }],
    ['a domain in Unicode', { domains: ['bücher.example'] }],
    ['a domain in upper case', { domains: ['ACME.example'] }],
    ['a name with a line feed', { organization_name: 'Acme\nApproved' }],
    ['an unknown member', { extra: 1 }],
  ])('is refused with %s', async (_, changes) => {
    const token = await configuration(await bridge(changes));
    expect(await codeOf(() => verify(token))).toBe('claims_invalid');
  });
});
