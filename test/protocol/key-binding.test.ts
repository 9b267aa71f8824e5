import { beforeAll, describe, expect, it } from 'vitest';
import { signJws } from '../../protocol/jws.ts';
import { verifyKeyBinding } from '../../protocol/key-binding.ts';
import type { OnlineKeys } from '../../protocol/online-keys.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, NOW } from './company.ts';
import { knownAnswer } from './known-answers.ts';

const KEY_BINDING = knownAnswer('key-binding+jwt');

let acme: Company;
let onlineKeys: OnlineKeys;

beforeAll(async () => {
  acme = await makeCompany();
  onlineKeys = await acme.onlineKeys();
});

const refusal = (token: string, now = NOW) => codeOf(() => verifyKeyBinding(token, onlineKeys, now));

describe('verifyKeyBinding', () => {
  it('takes the binding of version 1, byte for byte', async () => {
    expect(await acme.binding()).toBe(KEY_BINDING);
    expect((await verifyKeyBinding(KEY_BINDING, onlineKeys, NOW)).statement).toEqual(acme.statement());
  });

  it('is refused when it names another person than its statement', async () => {
    expect(await refusal(await acme.binding(undefined, { sub: 'sub-mallory' }))).toBe('claims_invalid');
  });

  it('is refused when its statement is another issuer’s', async () => {
    const foreign = acme.statement({ iss: 'https://bridge.globex.example' });
    expect(await refusal(await acme.binding(await acme.signedStatement(foreign)))).toBe('claims_invalid');
  });

  it('is refused when the person did not sign the statement: a bridge alone makes no key', async () => {
    const signed = await acme.signedStatement(undefined, [acme.keys.statement]);
    expect(await refusal(await acme.binding(signed))).toBe('statement_signature');
  });

  it('is refused over a revoked statement', async () => {
    const { statement, signatures } = await acme.revocation();
    expect(await refusal(await acme.binding({ statement, signatures }))).toBe('statement_revoked');
  });

  it('is refused when another issuer is named', async () => {
    expect(await refusal(await acme.binding(undefined, { iss: 'https://bridge.globex.example' }))).toBe(
      'jws_issuer',
    );
  });

  it('is refused before its time and after', async () => {
    const token = await acme.binding();
    expect(await refusal(token, NOW - 61)).toBe('jws_not_yet_valid');
    expect(await refusal(token, NOW + DAY + 60)).toBe('jws_expired');
  });

  it('is refused by a key of another purpose, even of the same bridge', async () => {
    for (const purpose of ['statement', 'federation', 'record', 'log', 'events'] as const) {
      const token = await acme.signs(purpose, 'key-binding+jwt', JSON.parse('{}'));
      expect(await refusal(token), purpose).toBe('jws_unknown_key');
    }
  });

  it('is refused when the person signed it in place of the bridge', async () => {
    const token = await signJws(acme.person.sig, 'key-binding+jwt', JSON.parse('{}'));
    expect(await refusal(token)).toBe('jws_unknown_key');
  });

  it('is refused when the root signed it: the root signs online keys and nothing else', async () => {
    const token = await signJws(acme.root, 'key-binding+jwt', JSON.parse('{}'));
    expect(await refusal(token)).toBe('jws_unknown_key');
  });
});
