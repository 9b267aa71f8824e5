import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningBridge } from '../../bridge/main.ts';
import { readHeader } from '../../protocol/jws.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { SOON } from '../fakes/soon.ts';
import type { InstalledApp } from '../http/person-app.ts';
import type { TwoCompanies } from '../http/two-companies.ts';
import { startWitnessedByPartner, type WitnessedByPartner } from './witnessed-by-partner.ts';

/** An administrator of each company at a terminal. */
let started: WitnessedByPartner;
let companies: TwoCompanies;
let witness: WitnessedByPartner['witness'];
let atAcme: RecordedTerminal;
let atGlobex: RecordedTerminal;

beforeAll(async () => {
  started = await startWitnessedByPartner();
  ({ companies, witness } = started);
  atAcme = await terminalOf(started.acme, 'Ada');
  atGlobex = await terminalOf(started.globex, 'Gwen');
});
afterAll(async () => {
  await atAcme?.remove();
  await atGlobex?.remove();
  await started?.close();
});

async function terminalOf({ services }: RunningBridge, name: string): Promise<RecordedTerminal> {
  const terminal = await recordedTerminal(companies.stage.fetch);
  const { url } = await services.administrators.createLink();
  await terminal.run(['admin', 'claim', url, '--name', name]);
  return terminal;
}

const acmeIssuer = () => companies.acme.bridge.issuer;
const showAcme = async () =>
  JSON.parse((await atGlobex.run(['partner', 'show', acmeIssuer(), '--json'])).out);

describe('A partner’s record and policy', () => {
  it('are held against its log, which our own witness has seen', async () => {
    await expect.poll(async () => (await showAcme()).log.level, SOON).toBe('witnessed');
    const { log, policy, domains } = await showAcme();
    expect(log).toMatchObject({
      record: { domains: [companies.acme.domain] },
      policy: { version: policy.version, hash: policy.hash },
      cosignedBy: [`${new URL(witness.url).host}/witness`],
      unlogged: [],
    });
    expect(domains).toEqual([companies.acme.domain]);
  });

  it('are told to an administrator in a line, with who has seen them', async () => {
    const { out } = await atGlobex.run(['partner', 'show', acmeIssuer()]);
    expect(out).toMatch(
      /in its log: +witnessed, epoch \d+ of .*; seen by bridge\.globex\.localhost\S*\/witness/,
    );
    expect(out).not.toContain('NOT ITS OWN');
  });

  it('are readable by anybody, with what anybody can verify', async () => {
    const answer = await companies.stage.fetch(`${acmeIssuer()}/.well-known/countersign/logged-trust`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ iss: acmeIssuer(), record: { version: expect.any(Number) } });
  });

  it('are not shown of nobody', async () => {
    const { code, said } = await atGlobex.run(['partner', 'show', 'https://bridge.nobody.example']);
    expect(code).toBe(1);
    expect(said).toContain('partner_unknown');
  });
});

describe('A person’s client', () => {
  let ada: InstalledApp;
  const globex = () => companies.globex.bridge.issuer;
  const check = (issuer?: string) => ada.client.checkTrust(issuer);

  beforeAll(async () => {
    ada = await companies.acme.signIn('ada');
    await ada.client.enrol({ label: 'laptop' });
    await ada.client.lookUp([companies.acme.address('bob'), companies.globex.address('gwen')]);
  });

  it('holds its own company and a partner against their own logs', async () => {
    expect(await check()).toMatchObject({
      ...{ issuer: acmeIssuer(), level: 'logged', domains: [companies.acme.domain], strangeDomains: [] },
      policy: { version: expect.any(Number), hash: expect.any(String) },
    });
    expect(await check(globex())).toMatchObject({
      ...{ issuer: globex(), domains: [companies.globex.domain], strangeDomains: [] },
    });
    expect((await ada.pins.read())?.logs[globex()]).toBeDefined();
  });

  it('finds a root, and a domain, that its own bridge made up for a partner', async () => {
    const altered = async (changes: object) => {
      const pins = await ada.pins.read();
      const pinned = pins?.issuers[globex()];
      if (pins == null || pinned === undefined) throw new Error('nothing is pinned');
      const issuers = { ...pins.issuers, [globex()]: { ...pinned, ...changes } };
      await ada.pins.update(async () => ({ pins: { ...pins, issuers }, result: undefined }));
      return () => ada.pins.update(async () => ({ pins, result: undefined }));
    };
    const withDomain = await altered({ domains: [companies.globex.domain, 'initech.example'] });
    expect((await check(globex())).strangeDomains).toEqual(['initech.example']);
    await withDomain();
    const withRoot = await altered({ root_thumbprint: 'A'.repeat(43) });
    await expect(check(globex())).rejects.toMatchObject({ code: 'root_mismatch' });
    await withRoot();
  });

  it('knows nothing of a bridge that is no partner', async () => {
    await expect(check('https://bridge.nobody.example')).rejects.toMatchObject({ code: 'issuer_unknown' });
  });
});

describe('The changes of trust', () => {
  const trust = async (...args: string[]) => atAcme.run(['log', 'trust', ...args]);
  const listed = async (...args: string[]) =>
    JSON.parse((await trust('--json', ...args)).out).changes as {
      readonly [name: string]: unknown;
      readonly name: string;
    }[];

  it('show an administrator what a colleague did, and where it stands in the log', async () => {
    await atAcme.run(['domain', 'add', 'new.example']);
    await expect
      .poll(async () => (await listed('--about', 'domain/new')).map(({ logged }) => logged !== null), SOON)
      .toEqual([true]);
    const shown = await trust('--about', 'domain/new.example');
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/domain\.added +domain\/new\.example +0 +Ada +entry \d+, epoch \d+ +newest/);
    expect(shown.said).toContain('trusting the root key');
  });

  it('hold partners, connections, administrators and the own record', async () => {
    const names = new Set((await listed()).map(({ name }) => name.split('/')[0]));
    expect([...names].sort()).toEqual(['administrator', 'connection', 'domain', 'https:']);
    const partner = (await listed('--about', companies.globex.bridge.issuer))[0];
    expect(partner).toMatchObject({ value: { status: 'active', domains: [companies.globex.domain] } });
  });

  it('are saved for an auditor, who verifies them without the bridge, and finds one that was altered', async () => {
    const file = join(atAcme.home, 'trust.json');
    expect((await trust('--save', file)).code).toBe(0);
    const root = readHeader(JSON.parse(await readFile(file, 'utf8')).online_keys).kid;
    const auditor = await recordedTerminal(() => Promise.reject(new Error('no network')));
    const judge = (path: string) => auditor.run(['log', 'trust', '--from', path, '--root', root]);
    expect(await judge(file)).toMatchObject({ code: 0, said: '' });
    const saved = JSON.parse(await readFile(file, 'utf8'));
    saved.changes[0].value = saved.changes[0].value.replace(/"at":\d/, '"at":9');
    await writeFile(file, JSON.stringify(saved));
    const altered = await judge(file);
    expect(altered.code).toBe(3);
    expect(altered.said).toContain('log_proof');
    await auditor.remove();
  });

  it('cannot be read without an administrator’s token', async () => {
    const answer = await companies.stage.fetch(`${acmeIssuer()}/admin/v1/log/trust-changes`);
    expect(answer.status).toBe(401);
  });
});
