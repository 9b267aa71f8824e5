import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultPolicyFolder } from '../../bridge/policy/content/default-content.ts';
import { readPolicyFolder } from '../../bridge/policy/content/policy-folder.ts';
import { formatFaults } from '../../bridge/policy/content/policy-format.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'policies-'));
  cpSync(defaultPolicyFolder(), folder, { recursive: true, filter: (path) => !path.endsWith('cases') });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As `npm run policy:check` runs it. */
function check(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const line = ['--import', 'tsx', 'scripts/policy-check.ts', ...words];
  return new Promise((resolve) => {
    execFile(process.execPath, line, { cwd: ROOT }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

function change(file: string, text: string, by: string): void {
  const path = join(folder, file);
  const before = readFileSync(path, 'utf8');
  expect(before).toContain(text);
  writeFileSync(path, before.replace(text, by));
}

describe('the check of a folder of policies', () => {
  it('says what it found to be right, and ends with 0', async () => {
    const { code, out, err } = await check();
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^\d+ policies in \d+ files are valid, and answer \d+ cases as expected\.\n$/);
  });

  it('tells every fault with its place and what to do, and ends with 1', async () => {
    change('devices.cedar', 'context.devices < 20', 'context.device < 20');
    change('look-up.cedar', 'permit (\n  principal', 'permit (\nprincipal');
    writeFileSync(join(folder, 'data.json'), '{"lifetimes": {}}');
    const { code, err } = await check(folder);
    expect(code).toBe(1);
    expect(err).toMatch(
      /devices\.cedar:\d+: policy “request-own-device”: attribute `device` .*Did you mean `devices`\?/,
    );
    expect(err).toMatch(/data\.json: lifetimes\.binding: /);
    expect(err).toMatch(/look-up\.cedar:\d+: is not written as .*\. Run this again with `--write`/);
    expect(err).toMatch(/\d faults in /);
  });

  it('tells which case is answered otherwise, and by what', async () => {
    const cases = join(folder, 'cases', 'ALLOW');
    mkdirSync(cases, { recursive: true });
    const file = 'a-person-looks-addresses-up-from-an-endorsed-device.json';
    cpSync(join(defaultPolicyFolder(), 'cases', 'ALLOW', file), join(cases, file));
    writeFileSync(join(cases, 'no-request.json'), '{}');
    change('look-up.cedar', 'when { principal.endorsed };', 'when { principal.assurance == "room" };');
    const { code, err } = await check(folder);
    expect(code).toBe(1);
    expect(err).toContain(`${file}: expected allow by “own-people-look-up”, but “no-permit” says deny`);
    expect(err).toContain('Nearest to allowing it: “own-people-look-up”');
    expect(err).toMatch(/no-request\.json: is no request for a decision: action: /);
  });

  it('writes files as the formatter does, when it is asked to', async () => {
    change('look-up.cedar', 'permit (\n  principal', 'permit (\nprincipal');
    expect((await check(folder, '--write')).code).toBe(0);
    expect(formatFaults(readPolicyFolder(folder))).toEqual([]);
  });
});
