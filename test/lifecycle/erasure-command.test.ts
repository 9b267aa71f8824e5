import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertPerson } from '../../bridge/directory/persons.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';

let bridge: BridgeFixture;
let terminal: RecordedTerminal;
let env: Record<string, string>;

beforeAll(async () => {
  bridge = await bridgeFixture();
  terminal = await recordedTerminal(bridge.fetch);
  env = { COUNTERSIGN_URL: bridge.issuer, COUNTERSIGN_TOKEN: await bridge.administrator() };
  await bridge.inStore((database) =>
    database.transaction(async (tx) => {
      await insertPerson(tx, { sub: 'p-1', name: 'Alice Quillfeather', assurance: 'member', created: 1 });
    }),
  );
});
afterAll(async () => {
  await terminal.remove();
  await bridge.remove();
});

const erase = (args: readonly string[], answers?: string[]) =>
  terminal.run(['person', 'erase', ...args], { env, ...(answers === undefined ? {} : { answers }) });

describe('countersign person erase', () => {
  it('says of somebody active that they are to be closed first, before it asks anything', async () => {
    const { code, said } = await erase(['p-1'], []);
    expect(code).toBe(1);
    expect(said).toContain('person_active');
    expect(said).toContain('countersign person close p-1');
  });

  it('names whom and what, and does nothing unless told yes', async () => {
    await terminal.run(['person', 'close', 'p-1', '--yes'], { env });
    const { code, said } = await erase(['p-1'], ['no']);
    expect(code).toBe(2);
    expect(said).toMatch(/Alice Quillfeather \(p-1\) will be erased: .*name.*keys and vault.*tokens/s);
    expect(said).toContain('Nothing was done.');
    expect((await erase(['p-1'])).said).toContain('Add --yes');
    expect((await terminal.run(['person', 'show', 'p-1'], { env })).code).toBe(0);
  });

  it('erases, and knows nobody of that id afterwards', async () => {
    expect((await erase(['p-1', '--reason', 'asked for it'], ['yes'])).out).toBe('p-1 is erased.');
    const events = (await bridge.events()).filter(({ type }) => type === 'person.erased');
    expect(events).toMatchObject([
      { subject: { sub: 'p-1' }, data: { versions: 0, reason: 'asked for it' } },
    ]);
    const { code, said } = await erase(['p-1', '--yes']);
    expect(code).toBe(1);
    expect(said).toContain('person_unknown');
  });
});
