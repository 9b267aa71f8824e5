import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type {
  AdmissionPolicy,
  Client,
  CountersignError,
  EpochKey,
  HostedMeeting,
  JoinedMeeting,
  MeetingRef,
} from '../../../client/index.ts';
import { ADA } from '../../../demo/stage/people.ts';
import { parseErrorCode } from '../../../protocol/errors.ts';
import { SOON } from '../../fakes/soon.ts';
import { hear } from './heard.ts';
import { startTwoCompanies, type TwoCompanies } from './two-companies.ts';

const guide = await readFile(new URL('../../../docs/guides/meetings.md', import.meta.url), 'utf8');

type UseKey = (key: EpochKey) => void;
interface Program {
  host(ada: Client, ends: number, mediaKey: string, useKey: UseKey): Promise<HostedMeeting>;
  join(gwen: Client, meeting: MeetingRef, mediaKey: string, useKey: UseKey): Promise<JoinedMeeting>;
}

interface Admission {
  readonly policy: AdmissionPolicy;
  hostStrictly(ada: Client, ends: number, mediaKey: string): Promise<HostedMeeting>;
  whyNot(error: CountersignError): string | undefined;
}

vi.setConfig({ testTimeout: 120_000 });

let two: TwoCompanies;
let folder: string;
beforeAll(async () => {
  two = await startTwoCompanies();
  folder = await mkdtemp(join(tmpdir(), 'countersign-guide-'));
}, 120_000);
afterAll(async () => {
  vi.restoreAllMocks();
  await two?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The programs of the page, in their order. */
const programs = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = '']) => text);

async function loadProgram<Exports = Program>(index = 0): Promise<Exports> {
  const text = programs[index] ?? '';
  const path = join(folder, `program-${index}.mts`);
  await writeFile(path, text);
  return import(/* @vite-ignore */ pathToFileURL(path).href);
}

/** The keys in the order in which they came, and the first of an epoch. */
function collect() {
  const keys: EpochKey[] = [];
  return { keys, use: (key: EpochKey) => void keys.push(key) };
}

describe('the guide of meetings', () => {
  it('has a program that runs as it stands: both use the same keys, and see who is there', async () => {
    const said: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((...words) => void said.push(words.join(' ')));
    const program = await loadProgram();
    const [atHost, atGuest] = [collect(), collect()];
    const hosted = await program.host(
      two.ada.client,
      Math.floor(Date.now() / 1000) + 3600,
      'media of Ada',
      atHost.use,
    );
    const host = hear(hosted);
    const joined = await program.join(two.gwen.client, hosted, 'media of Gwen', atGuest.use);
    const guest = hear(joined);
    await host.next('joined');
    await hosted.rekey();
    const { epoch } = hosted.currentKey();
    await guest.next('key', (key) => key.epoch === epoch);
    await vi.waitFor(() => expect(atGuest.keys.at(-1)).toEqual(hosted.currentKey()), SOON);
    expect(atHost.keys.at(-1)).toEqual(hosted.currentKey());
    expect(said).toContain(`${ADA.address} Acme verified`);
    expect(said.at(-1)).toMatch(/^compare aloud: (\d{5} ){5}\d{5}$/);
    await joined.leave();
    await hosted.end();
  });

  it('has a policy that keeps out whom it should, with a reason that people can read', async () => {
    const said: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((...words) => void said.push(words.join(' ')));
    const { policy, hostStrictly, whyNot } = await loadProgram<Admission>(1);
    const ends = Math.floor(Date.now() / 1000) + 3600;
    // Nobody of the story has a second factor.
    const refused = await hostStrictly(two.ada.client, ends, 'media of Ada').catch((error: unknown) => error);
    expect(whyNot(refused as CountersignError)).toBe('They did not sign in with several factors.');
    delete policy.sign_in?.multi_factor;
    const hosted = await hostStrictly(two.ada.client, ends, 'media of Ada');
    const { iss, group } = hosted;
    const place = { iss, group, host: ADA.address, mediaKey: 'media of Gwen' };
    const joined = await two.gwen.client.meetings.join(place);
    await hear(joined).next('key');
    expect(joined.currentKey()).toEqual(hosted.currentKey());
    expect(joined.admission).toEqual({ version: 1, policy, unchecked: 0 });
    await hosted.setAdmission({ companies: [{ domain: 'acme.example' }] });
    await vi.waitFor(
      () =>
        expect(said).toContain('gwen@globex.example Their company is not one of those that may take part.'),
      SOON,
    );
    await hosted.end();
    await joined.leave().catch(() => undefined);
  });

  it('is some twenty lines', () => {
    const [text = ''] = programs;
    expect(text.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(24);
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
