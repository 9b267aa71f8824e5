import { describe, expect, it } from 'vitest';
import { assertNamedSo } from '../../bridge/signals/stream-subjects.ts';

const ISS = 'https://bridge.acme.example';
const EMAIL = { format: 'email', email: 'ada@acme.example' } as const;
const BY_SUB = { format: 'iss_sub', iss: ISS, sub: 'p1' } as const;

const refused = expect.objectContaining({ code: 'malformed_request' });

describe('who is taken out of a stream', () => {
  it.each([
    ['by email where it names addresses', 'email', ['acme.example'], EMAIL],
    ['by email where it tells of everybody', 'email', null, EMAIL],
    ['by iss_sub where it tells of everybody, of some without an address', 'email', null, BY_SUB],
    ['by iss_sub where it names subs', 'iss_sub', ['acme.example'], BY_SUB],
  ] as const)('may be named %s', (_name, subject_format, domains, subject) => {
    expect(() => assertNamedSo({ subject_format, domains }, subject, ISS)).not.toThrow();
  });

  it.each([
    ['by iss_sub where it names addresses alone: 204 would say that it is taken out', 'email', BY_SUB],
    ['by email where it names subs: its silence would tell whose address it is', 'iss_sub', EMAIL],
    ['by iss_sub of another issuer', 'iss_sub', { ...BY_SUB, iss: 'https://other.example' }],
    ['by an opaque id', 'email', { format: 'opaque', id: 'x' }],
  ] as const)('may not be named %s', (_name, subject_format, subject) => {
    const receiver = { subject_format, domains: ['acme.example'] };
    expect(() => assertNamedSo(receiver, subject, ISS)).toThrowError(refused);
  });
});
