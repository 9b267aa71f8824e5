import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assignAddress } from '../../bridge/directory/addresses.ts';
import { insertPerson } from '../../bridge/directory/persons.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { SOON } from '../fakes/soon.ts';

let bridge: BridgeFixture;
let terminal: RecordedTerminal;
let folder: string;
let ada: Record<string, string>;
let bob: Record<string, string>;

beforeAll(async () => {
  bridge = await bridgeFixture();
  terminal = await recordedTerminal(bridge.fetch);
  folder = await mkdtemp(join(tmpdir(), 'countersign-policy-'));
  const env = async (name: string) => ({
    COUNTERSIGN_URL: bridge.issuer,
    COUNTERSIGN_TOKEN: await bridge.administrator(name),
  });
  [ada, bob] = [await env('Ada'), await env('Bob')];
  await bridge.inStore((database) =>
    database.transaction(async (tx) => {
      for (const [sub, assurance] of [
        ['p-1', 'member'],
        ['p-2', 'gateway'],
      ] as const) {
        const address = `${sub}@acme.example`;
        await insertPerson(tx, { sub, name: sub, assurance, created: 1 });
        await assignAddress(tx, {
          ...{ address, domain: 'acme.example', sub, connectionId: 'c', primary: true, now: 1 },
        });
      }
    }),
  );
});
afterAll(async () => {
  await terminal.remove();
  await rm(folder, { recursive: true });
  await bridge.remove();
});

const run = (args: string, given: Parameters<RecordedTerminal['run']>[1] = { env: ada }) =>
  terminal.run(['policy', ...args.split(' ').filter(Boolean)], given);

async function changeFile(dir: string, name: string, change: (text: string) => string): Promise<void> {
  const path = join(dir, name);
  await writeFile(path, change(await readFile(path, 'utf8')));
}

const NO_GATEWAYS = `
@id("nobody-finds-gateways")
@reason("Gateways are found by nobody.")
forbid (
  principal,
  action == Countersign::Action::"find",
  resource is Countersign::Address
)
when { resource has assurance && resource.assurance == "gateway" };
`;

describe('countersign policy', () => {
  let dir: string;
  let draft: string;

  it('exports the files in force, which are valid and no difference', async () => {
    dir = join(folder, 'rules');
    expect((await run(`export ${dir}`)).out).toMatch(/^Version 0 is in .*rules: \d+ files\.$/);
    expect((await run(`export ${dir}`)).said).toContain('is not empty');
    expect((await run(`check ${dir}`, { env: {} })).out).toMatch(/is valid: \d+ policies, hash [\w-]{43}\.$/);
    expect((await run(`diff ${dir}`)).out).toContain('nothing differs');
    expect((await run(`apply ${dir} --yes`)).out).toContain('there is nothing to do');
  });

  it('checks a folder without a bridge, and names each fault with its place', async () => {
    await writeFile(join(dir, 'own.cedar'), 'permit (principal, action, resource);\npermit (');
    const { code, said } = await run(`check ${dir}`, { env: {} });
    expect(code).toBe(1);
    expect(said).toMatch(/own\.cedar:\d/);
    expect(said).not.toContain('�');
    expect((await run(`apply ${dir} --yes`)).code).toBe(1);
    await rm(join(dir, 'own.cedar'));
  });

  it('shows what is in force, and the text of a file', async () => {
    const { out } = await run('show');
    expect(out).toMatch(/version 0, in force/);
    expect(out).toMatch(/^look-up\.cedar +2 +\d+$/m);
    expect((await run('show look-up.cedar')).out).toContain('@id("own-people-look-up")');
    expect((await run('show nothing.cedar')).code).toBe(2);
  });

  it('applies a folder: says what would change, and leaves a draft to whoever does not say yes', async () => {
    await changeFile(dir, 'look-up.cedar', (text) => text + NO_GATEWAYS);
    await changeFile(dir, 'data.json', (text) =>
      text.replace('"look_up_max_age": 60', '"look_up_max_age": 90'),
    );
    expect((await run(`diff ${dir}`)).out).toContain('+@id("nobody-finds-gateways")');
    const applied = await run(`apply ${dir} --note gateways`, { env: ada, answers: ['no'] });
    expect(applied.code).toBe(0);
    draft = applied.out;
    expect(applied.said).toContain('+@id("nobody-finds-gateways")');
    expect(applied.said).toContain('− 1 person could no longer be found by members of the company.');
    expect(applied.said).toContain('p-2@acme.example');
    expect(applied.said).toContain('  answers to look-ups: 1 minute → 90 seconds');
    expect(applied.said).toContain(`countersign policy activate ${draft}`);
    expect((await run('drafts')).out).toMatch(new RegExp(`^${draft} +open +Ada .* gateways$`, 'm'));
    expect((await run(`drafts ${draft}`)).out).toContain('+@id("nobody-finds-gateways")');
  });

  it('says who must approve, and how', async () => {
    const refused = await run(`activate ${draft} --yes`);
    expect(refused.code).toBe(1);
    expect(refused.said).toContain('another administrator than Ada');
    expect(refused.said).toContain(`countersign policy approve ${draft}`);
    expect((await run(`approve ${draft} --yes`)).said).toContain('nobody-approves-their-own-draft');
    const approved = await run(`approve ${draft}`, { env: bob, answers: ['yes'] });
    expect(approved.said).toContain('+@id("nobody-finds-gateways")');
    expect(approved.said).toContain('− 1 person could no longer be found by members of the company.');
    expect(approved.out).toContain('1 approval counts');
  });

  it('brings the draft into force, and goes back', async () => {
    expect((await run(`activate ${draft} --yes`)).out).toMatch(/^Version 1 is in force\./);
    expect((await run('show look-up.cedar')).out).toContain('nobody-finds-gateways');
    expect((await run('rollback 0 --yes --note harm')).out).toContain('Version 2 is in force');
    expect((await run('show look-up.cedar')).out).not.toContain('nobody-finds-gateways');
    expect((await run('show --policy-version 1 look-up.cedar')).out).toContain('nobody-finds-gateways');
  });

  it('explains a refusal by the id that it named', async () => {
    const token = await bridge.ask(
      'POST',
      '/admin/v1/tokens',
      { name: 'Sam', roles: ['siem'] },
      ada.COUNTERSIGN_TOKEN,
    );
    const sam = { ...ada, COUNTERSIGN_TOKEN: String(token.body.token) };
    const { said } = await run('show', { env: sam });
    const id = /decision ([0-9a-f-]{36})/.exec(said)?.[1];
    await expect
      .poll(async () => (await run(`explain ${id}`)).out, { ...SOON, interval: 200 })
      .toContain('Refused by no-permit');
    const { out } = await run(`explain ${id}`);
    expect(out).toMatch(/who: +administrator .* \(roles \["siem"\]\)/);
    expect(out).toContain('What came nearest to allowing it:');
    expect(out).toMatch(/administration\.cedar:\d+\n {4}@id\("/);
    expect((await run('decisions --denied --action read-policy')).out).toContain(String(id));
    expect((await run('explain none')).said).toContain('decision_unknown');
  });

  it('answers JSON to whoever asks for it', async () => {
    expect(JSON.parse((await run('show --json')).out)).toMatchObject({ version: 2, inForce: true });
    expect(JSON.parse((await run('drafts --json')).out).drafts).toHaveLength(1);
    expect(JSON.parse((await run(`diff ${dir} --json`)).out)).toMatchObject({ version: 2 });
    const { out } = await run(`apply ${dir} --json`);
    const applied = JSON.parse(out);
    expect(applied).toMatchObject({ version: null, dryRun: { present: [{ action: 'find', lost: 1 }, {}] } });
    expect((await run(`discard ${applied.draft}`)).out).toContain('is discarded');
  });
});
