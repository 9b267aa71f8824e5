import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SOON } from '../fakes/soon.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { discover, register, type SaasReceiver, type SsfClient, startSaasReceiver } from './saas-receiver.ts';

let companies: TwoCompanies;
let inside: SaasReceiver;

beforeAll(async () => {
  companies = await startTwoCompanies();
  inside = await startSaasReceiver(companies.stage, 'inside.acme.localhost');
});
afterAll(() => companies?.close());

const created = (ssf: SsfClient) =>
  ssf.call('POST', 'configuration_endpoint', {
    delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: inside.url },
  });

async function registered(wanted: object): Promise<{ id: string; ssf: SsfClient }> {
  const { stage, acme } = companies;
  const { id, token } = await register(acme.bridge.administrator, { audience: 'saas', ...wanted });
  return { id, ssf: await discover(stage, acme, token) };
}

describe('a stream whose receiver names a host inside the company’s networks', () => {
  it('is not pushed there, although the bridge itself may go there', async () => {
    const { id, ssf } = await registered({ endpoint_host: undefined });
    const { body } = await created(ssf);
    await ssf.call('POST', 'verification_endpoint', { stream_id: body.stream_id });
    const { administrator } = companies.acme.bridge;
    await vi.waitFor(async () => {
      const { receivers } = await administrator.get<{ receivers: { id: string; delivery: object }[] }>(
        '/admin/v1/signals/receivers',
      );
      expect(receivers.find((each) => each.id === id)?.delivery).toMatchObject({
        last_error: { code: 'outbound_refused' },
      });
    }, SOON);
    expect(inside.pushed).toEqual([]);
  });

  it('is pushed there where an administrator registered the receiver with that host', async () => {
    const { ssf } = await registered({ endpoint_host: 'inside.acme.localhost' });
    const { body } = await created(ssf);
    await ssf.call('POST', 'verification_endpoint', { stream_id: body.stream_id });
    await vi.waitFor(() => expect(inside.pushed).toHaveLength(1), SOON);
  });

  it('is not made where an administrator registered the receiver with another host', async () => {
    const { ssf } = await registered({ endpoint_host: 'signals.saas.localhost' });
    const { status, body } = await created(ssf);
    expect([status, body.code]).toEqual([400, 'malformed_request']);
  });

  it('is not pushed to a host that is not the one any more, although its receiver enables it again', async () => {
    const { id, ssf } = await registered({ endpoint_host: 'inside.acme.localhost' });
    const { body } = await created(ssf);
    const { receivers } = companies.acme.bridge.running.services.sentSignals;
    const by = { requestId: 'r-1', actor: { kind: 'administrator', id: 'admin-1' } } as const;
    await receivers.change(id, { endpoint_host: 'signals.saas.localhost' }, by);
    const wanted = { stream_id: body.stream_id, status: 'enabled' };
    expect((await ssf.call('POST', 'status_endpoint', wanted)).status).toBe(200);
    const before = inside.pushed.length;
    await ssf.call('POST', 'verification_endpoint', { stream_id: body.stream_id });
    // what waits for another receiver goes out meanwhile, so this one had its turn
    const other = await registered({ endpoint_host: 'inside.acme.localhost' });
    await created(other.ssf);
    const { body: theirs } = await other.ssf.call('GET', 'configuration_endpoint');
    const [{ stream_id }] = theirs as unknown as [{ stream_id: string }];
    await other.ssf.call('POST', 'verification_endpoint', { stream_id });
    await vi.waitFor(() => expect(inside.pushed).toHaveLength(before + 1), SOON);
    expect((await receivers.get(id)).delivery).toMatchObject({ sent: 0, waiting: 2 });
    await receivers.change(id, { endpoint_host: 'inside.acme.localhost' }, by);
    await vi.waitFor(() => expect(inside.pushed).toHaveLength(before + 3), SOON);
  });
});
