import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { utf8 } from '../../protocol/bytes.ts';
import { parseErrorCode } from '../../protocol/errors.ts';
import { type GroupsStage, startGroupsStage } from './groups-stage.ts';

const guide = await readFile(new URL('../../docs/guides/groups-and-assets.md', import.meta.url), 'utf8');

let stage: GroupsStage;
let folder: string;

beforeAll(async () => {
  stage = await startGroupsStage();
  folder = await mkdtemp(join(tmpdir(), 'countersign-guide-'));
}, 120_000);
afterAll(async () => {
  vi.restoreAllMocks();
  await stage.close();
  await rm(folder, { recursive: true, force: true });
});

/** The piece of program that the guide says to run, under what stands behind its fence. */
async function writeProgram(fence = 'ts'): Promise<string> {
  const [, rest = ''] = guide.split(`\`\`\`${fence}\n`);
  const [program = ''] = rest.split('```');
  const entry = fileURLToPath(new URL('../../client/index.ts', import.meta.url));
  const path = join(folder, `${fence.replace(' ', '-')}.mts`);
  await writeFile(path, program.replace("'countersign/client'", JSON.stringify(entry)));
  return pathToFileURL(path).href;
}

describe('the guide of groups and assets', () => {
  it('has a program that runs as it stands', async () => {
    const said: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((...words) => void said.push(words.join(' ')));
    const program = await import(/* @vite-ignore */ await writeProgram());
    const minutes = new Blob([utf8('The board met.')]).stream();
    const { group, asset } = await program.keepMinutes(stage.gwen.client, minutes);
    expect(await program.readMinutes(stage.ada.client, group, asset)).toBe('The board met.');
    expect(said).toEqual(['1 added ', 'sealed by gwen@globex.example, admin']);
  });

  it('has a program that seals to whom the shipped policy names', async () => {
    const program = await import(/* @vite-ignore */ await writeProgram('ts policy'));
    const { gwen, ada } = stage;
    const file = new Blob([utf8('Ada speaks Welsh.')]).stream();
    const kept = await program.keepFile(gwen.client, file, ada.address);
    expect(kept).toMatchObject({ policy: 'personal-data-to-whom-it-is-about', recipients: 2 });
    const { stream } = await ada.client.assets.open(kept.stream);
    expect(await new Response(stream).text()).toBe('Ada speaks Welsh.');
  });

  it('names only error codes that exist', () => {
    const table = guide.slice(guide.indexOf('| Code |'));
    const codes = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code ?? ''),
    );
    expect(codes.length).toBeGreaterThan(15);
    expect(codes.filter((code) => parseErrorCode(code) === undefined)).toEqual([]);
  });
});
