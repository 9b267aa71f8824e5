import { setTimeout as pause } from 'node:timers/promises';
import { parseCheckpoint, parseNote } from '../../protocol/index.ts';
import { must } from '../finding.ts';
import type { Company } from './company.ts';
import type { Stage } from './stage.ts';

/** A head of a log as anybody can read it. */
export interface PublishedHead {
  readonly note: string;
  readonly size: number;
  /** Names of keys: the log's own first. */
  readonly signers: readonly string[];
}

const TRIES = 400;

/** Waits until the log’s published head is larger than `beyond` and its witness has cosigned it. */
export async function cosignedHead(
  stage: Stage,
  company: Company,
  beyond = 0,
): Promise<PublishedHead & { readonly by: string }> {
  const [by = ''] = stage.watchers.get().witnessOf[company.key].vkey.split('+');
  const isCosigned = ({ size, signers }: PublishedHead) => size > beyond && signers.includes(by);
  return { ...(await publishedHead(stage, company, isCosigned)), by };
}

/** The head that the log shows to everybody, once it is as it should be. */
export async function publishedHead(
  stage: Stage,
  company: Company,
  isIt: (head: PublishedHead) => boolean = () => true,
): Promise<PublishedHead> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = await stage.fetch(`${company.issuer}/log/checkpoint`);
    if (answer.ok) {
      const note = await answer.text();
      const { text, signatures } = parseNote(note);
      const head = { note, size: parseCheckpoint(text).size, signers: signatures.map(({ name }) => name) };
      if (isIt(head)) return head;
    }
    await pause(25);
  }
  must(false, `${company.name}’s log does not come as far as it should`);
}
