import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RecordedTerminal, recordedTerminal } from './recorded-terminal.ts';

let terminal: RecordedTerminal;

beforeAll(async () => {
  terminal = await recordedTerminal();
});
afterAll(() => terminal.remove());

async function offered(...command: string[]): Promise<string[]> {
  const { code, out } = await terminal.run([...command, '--help']);
  expect(code).toBe(0);
  return [...out.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = '']) => option);
}

describe('the help of a command', () => {
  it.each([
    ['export', ['--from', '--to', '--help']],
    [
      'tail',
      ['--filter', '--outcome', '--min-severity', '--format', '--since', '--last', '--limit', '--help'],
    ],
  ])('offers its own options alone, not those of the group above it: events %s', async (name, options) => {
    expect(await offered('events', name)).toEqual(options);
  });

  it('offers nothing that the command refuses', async () => {
    const { code, said } = await terminal.run(['app', 'list', '--version']);
    expect({ code, said }).toMatchObject({ code: 2, said: expect.stringContaining('unknown option') });
    expect(await offered('app', 'list')).not.toContain('--version');
  });

  it('shows no default that is a list without anything', async () => {
    expect((await terminal.run(['events', 'tail', '--help'])).out).not.toContain('[]');
  });
});
