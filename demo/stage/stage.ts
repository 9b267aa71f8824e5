import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadTransformEngine } from '../../client/index.ts';
import { createNamedFetch } from '../../test/fakes/named-fetch.ts';
import { createNames, type Names } from '../../test/fakes/names.ts';
import { createThrowawayCa, type ThrowawayCa } from '../../test/fakes/throwaway-ca.ts';
import type { App } from './app.ts';
import type { Company } from './company.ts';
import { type CompanyStores, embeddedStores } from './company-stores.ts';
import type { PostedForms } from './posted-forms.ts';
import { createPostedForms } from './posted-forms.ts';
import type { Siem } from './siem.ts';
import { createSlot, type Slot } from './slot.ts';
import type { Watchers } from './watchers.ts';

type Engine = Awaited<ReturnType<typeof loadTransformEngine>>;

/** What all steps share: one machine with its own names and its own certificate authority. */
export interface Stage {
  /** Everything that the story writes; removed at the end. */
  readonly folder: string;
  readonly ca: ThrowawayCa;
  readonly caFile: string;
  /** The DNS of the story. */
  readonly names: Names;
  /** Real HTTPS to the story's names, under the throwaway authority alone. */
  readonly fetch: typeof fetch;
  /** The forms that browsers posted, as something that listens in a browser would have them. */
  readonly postedForms: PostedForms;
  readonly engine: Engine;
  /** For one more bridge; removed with the stage. */
  newStores(): Promise<CompanyStores>;
  /** The person pressed Ctrl-C. */
  readonly signal: AbortSignal;

  readonly acme: Slot<Company>;
  readonly globex: Slot<Company>;
  /** Who keeps the two key logs honest. */
  readonly watchers: Slot<Watchers>;
  /** Where Acme’s security team looks. */
  readonly siem: Slot<Siem>;
  /** The apps of the people, signed in. */
  readonly ada: Slot<App>;
  readonly gwen: Slot<App>;
  readonly hal: Slot<App>;

  /** What was said in the meeting. */
  readonly transcript: Slot<string>;

  /** When each step ran, milliseconds since the epoch: which events are whose. */
  readonly ran: Map<string, { readonly from: number; readonly to: number }>;

  /** What `close` must end, the last one first. */
  onClose(end: () => unknown): void;
  close(): Promise<void>;
}

/** Sets the stage: a fresh folder, an authority, names. Nothing runs yet. `openStores`: for each of its bridges. */
export async function setStage(
  signal: AbortSignal,
  openStores: () => Promise<CompanyStores> = embeddedStores,
): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-demo-'));
  // Also when the process ends without a word: by the second Ctrl-C, or by a fault of ours.
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', removeFolder);
  const endings: (() => unknown)[] = [
    () => {
      removeFolder();
      process.off('exit', removeFolder);
    },
  ];
  const ca = await createThrowawayCa();
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca.certificatePem);
  await mkdir(join(folder, 'logs'));
  const names = createNames();
  const named = createNamedFetch(names, ca.certificatePem);
  endings.push(() => named.close());

  return {
    folder,
    ca,
    caFile,
    names,
    fetch: named.fetch,
    postedForms: createPostedForms(named.fetch),
    engine: await loadTransformEngine(),
    async newStores() {
      const stores = await openStores();
      endings.push(() => stores.remove());
      return stores;
    },
    signal,
    acme: createSlot('Acme'),
    globex: createSlot('Globex'),
    watchers: createSlot('witnesses and the auditor'),
    siem: createSlot('Acme’s SIEM'),
    ada: createSlot('Ada’s app'),
    gwen: createSlot('Gwen’s app'),
    hal: createSlot('Hal’s app'),
    transcript: createSlot('the transcript'),
    ran: new Map(),
    onClose: (end) => void endings.push(end),
    async close() {
      for (let end = endings.pop(); end !== undefined; end = endings.pop()) await ended(end);
    },
  };
}

/** What cannot be ended must not keep the rest from it; there is nobody left to tell. */
async function ended(end: () => unknown): Promise<void> {
  try {
    await end();
  } catch {}
}

/** Where a bridge's operational log goes: standard output belongs to the story. */
export function logFile(stage: Pick<Stage, 'folder'>, company: Pick<Company, 'key'>): string {
  return join(stage.folder, 'logs', `${company.key}-bridge.log`);
}
