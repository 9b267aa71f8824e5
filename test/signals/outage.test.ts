import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { keyEncryptionKeys } from '../../bridge/config/key-encryption-keys.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createOutbound } from '../../bridge/lib/outbound.ts';
import { createSentSignals } from '../../bridge/signals/sent-signals.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { SOON } from '../fakes/soon.ts';
import type { PersonApp } from '../http/person-app.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { becameSignals } from './became-signals.ts';
import { discover, register, type SaasReceiver, startSaasReceiver } from './saas-receiver.ts';

let companies: TwoCompanies;
let gwen: PersonApp;
let saas: SaasReceiver;
const subs = new Map<string, string>();

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { stage, acme, globex } = companies;
  gwen = await globex.signIn('gwen');
  await gwen.client.enrol({ label: 'Laptop' });
  for (const name of ['ada', 'bob', 'carol']) {
    const app = await acme.signIn(name);
    await app.client.enrol({ label: 'Laptop' });
    subs.set(name, (await app.client.me()).sub);
  }
  // Whoever is known by when an enrolment becomes signals is told of it: that has to be over before Gwen asks.
  await becameSignals(acme.bridge, 'statement.published');
  for (const name of subs.keys()) await gwen.client.lookUp([acme.address(name)], { maxAge: 3_600 });
  saas = await startSaasReceiver(stage);
  const { token } = await register(acme.bridge.administrator, { audience: 'saas' });
  const ssf = await discover(stage, acme, token);
  const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: saas.url };
  expect((await ssf.call('POST', 'configuration_endpoint', { delivery })).status).toBe(201);
});
afterAll(() => companies?.close());

const close = (name: string) =>
  companies.acme.bridge.administrator.post(`/admin/v1/persons/${subs.get(name)}/close`, { reason: 'left' });

interface PartnerDelivery {
  readonly delivery: { readonly waiting: number; readonly failures: number; readonly last_error: unknown };
}

async function toGlobex(): Promise<PartnerDelivery['delivery'] | undefined> {
  const { administrator } = companies.acme.bridge;
  const { partners } = await administrator.get<{ partners: PartnerDelivery[] }>('/admin/v1/signals/partners');
  return partners[0]?.delivery;
}

describe('a partner that is down', () => {
  it('holds up nobody else, and gets everything in order when it is back, over a restart here', async () => {
    const { acme, globex } = companies;
    await globex.bridge.running.stop();
    const before = saas.pushed.length;
    await close('ada');
    await vi.waitFor(() => expect(saas.pushed.length).toBeGreaterThanOrEqual(before + 2), {
      timeout: 30_000,
    });
    await vi.waitFor(
      async () => expect(await toGlobex()).toMatchObject({ waiting: 2, failures: expect.any(Number) }),
      { timeout: 30_000 },
    );
    await vi.waitFor(async () => expect((await toGlobex())?.last_error).not.toBeNull(), { timeout: 30_000 });
    await acme.bridge.restart();
    await close('bob');
    await globex.bridge.restart();
    await vi.waitFor(
      async () => {
        const signals = (await globex.bridge.events()).filter(({ type }) => type === 'signal.received');
        expect(
          signals.map(({ subject, data }) => [subject.address, String(data.event).split('/').at(-1)]),
        ).toEqual([
          ['ada@acme.example', 'session-revoked'],
          ['ada@acme.example', 'credential-change'],
          ['bob@acme.example', 'session-revoked'],
          ['bob@acme.example', 'credential-change'],
        ]);
      },
      { timeout: 60_000, interval: 100 },
    );
    // it is off the queue once Globex has answered, a moment after Globex has it
    await vi.waitFor(async () => expect(await toGlobex()).toMatchObject({ waiting: 0, failures: 0 }), SOON);
  }, 150_000);
});

describe('two processes that send from one store', () => {
  it('send each signal once between them, in order', async () => {
    const { stage, acme } = companies;
    const { store: database, config, clock, issuer: iss } = acme.bridge;
    const logger = createLogger({ level: 'silent' });
    const caCertificates = [stage.ca.certificatePem];
    const outbound = createOutbound({
      ...{ resolver: stage.names, caCertificates },
      allowedNetworks: config.outbound.allowed_networks,
    });
    const second = createSentSignals({
      ...{ iss, database, clock, logger, outbound },
      signer: await openLocalSigner({ database, ...keyEncryptionKeys(config), iss, clock }),
      events: createEventLog({ database, clock, logger, iss }),
    });
    const from = saas.pushed.length;
    const administrator = acme.bridge.administrator;
    second.start();
    try {
      for (let round = 0; round < 10; round += 1) {
        await administrator.post(`/admin/v1/persons/${subs.get('carol')}/close`, {});
        await administrator.post(`/admin/v1/persons/${subs.get('carol')}/reopen`, {});
        const app = await acme.signIn('carol');
        await app.client.enrol({ label: `Laptop ${round}` });
      }
      await vi.waitFor(
        async () => {
          const rows = await database.read((query) =>
            query.selectFrom('signal_outbox').selectAll().execute(),
          );
          expect(rows).toEqual([]);
          expect(saas.pushed.length - from).toBeGreaterThanOrEqual(40);
        },
        { timeout: 60_000, interval: 50 },
      );
    } finally {
      await second.stop();
      await outbound.close();
    }
    const sent = saas.pushed.slice(from).map(({ token }) => decodeJwt<{ events: object }>(token));
    expect(new Set(sent.map(({ jti }) => jti)).size).toBe(sent.length);
    const times = sent.map(({ events }) => Object.values(events)[0].event_timestamp);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  }, 150_000);
});
