import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { discover, register, type SsfClient } from './saas-receiver.ts';

let companies: TwoCompanies;
let ssf: SsfClient;
let receiver: string;
let stream: string;

const polled = { delivery: { method: 'urn:ietf:rfc:8936' } };

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { stage, acme } = companies;
  const { id, token } = await register(acme.bridge.administrator, { audience: 'saas' });
  receiver = id;
  ssf = await discover(stage, acme, token);
  stream = await created();
});
afterAll(() => companies?.close());

async function created(): Promise<string> {
  const { status, body } = await ssf.call('POST', 'configuration_endpoint', polled);
  expect(status).toBe(201);
  return String(body.stream_id);
}

const administer = (status: string) =>
  companies.acme.bridge.administrator.post(`/admin/v1/signals/receivers/${receiver}/status`, { status });

const ask = (status: string) => ssf.call('POST', 'status_endpoint', { stream_id: stream, status });

const current = async () => (await ssf.call('GET', `status_endpoint?stream_id=${stream}`)).body.status;

describe('a stream that an administrator holds', () => {
  it.each(['paused', 'disabled'] as const)('%s is not enabled by its receiver', async (held) => {
    await administer(held);
    const answer = await ask('enabled');
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    expect(await current()).toBe(held);
  });

  it('disabled is not eased to paused by its receiver, and may be disabled once more', async () => {
    expect((await ask('paused')).body.code).toBe('forbidden');
    expect((await ask('disabled')).status).toBe(200);
  });

  it('stays held when its receiver deletes it and makes another', async () => {
    expect((await ssf.call('DELETE', `configuration_endpoint?stream_id=${stream}`)).status).toBe(204);
    stream = await created();
    expect(await current()).toBe('disabled');
    expect((await ask('enabled')).body.code).toBe('forbidden');
  });

  it('is its receiver’s again when an administrator resumes it', async () => {
    await administer('enabled');
    expect(await current()).toBe('enabled');
    expect((await ask('paused')).status).toBe(200);
    expect((await ask('enabled')).status).toBe(200);
  });

  it('is held although its receiver had given it the same status before', async () => {
    await ask('disabled');
    await administer('disabled');
    expect((await companies.acme.bridge.events()).at(-1)).toMatchObject({
      ...{ type: 'signal.stream_changed', actor: { kind: 'administrator' } },
      data: { status: 'disabled' },
    });
    expect((await ask('enabled')).body.code).toBe('forbidden');
  });
});
