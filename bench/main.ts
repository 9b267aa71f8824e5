/**
 * `npm run bench [-- part…]`: measures, prints, and writes docs/benchmarks.md where nothing was left out. What takes too
 * long for that is measured when it is named, and writes its own chapter.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { measureAssets } from './assets/measure.ts';
import { measureEnrolments } from './enrolment/measure.ts';
import { measureEvents } from './events/measure.ts';
import { measureAdditions } from './key-log/additions.ts';
import { measureAuditor } from './key-log/auditor.ts';
import { createFilledCompany, type FilledCompany } from './key-log/filled-company.ts';
import { measureMemory } from './key-log/memory.ts';
import { measureStapleVerification } from './key-log/staple-verification.ts';
import { measureStaples } from './key-log/staples.ts';
import { measureLookUps } from './look-up/measure.ts';
import { measureMeeting } from './meeting/measure.ts';
import { measureTenThousand } from './meeting/ten-thousand.ts';
import { measureMeetingTree } from './meeting/tree.ts';
import { measurePolicy } from './policy/measure.ts';
import { type Chapter, renderAlone, renderChapters } from './report/chapter.ts';
import { readConditions } from './report/conditions.ts';
import { markersOf, withMeasurements } from './report/page.ts';
import { measureStart } from './start/measure.ts';
import { measureTransforms } from './transforms/measure.ts';
import { measureVerification } from './verification/measure.ts';

type Say = (line: string) => void;

const PARTS: Readonly<Record<string, (say: Say, filled: FilledCompany) => Promise<Chapter>>> = {
  'look-up': measureLookUps,
  enrolment: measureEnrolments,
  start: measureStart,
  verification: measureVerification,
  staples: measureStaples,
  additions: measureAdditions,
  'staple-verification': measureStapleVerification,
  auditor: measureAuditor,
  memory: measureMemory,
  transforms: measureTransforms,
  'meeting-tree': measureMeetingTree,
  meeting: measureMeeting,
  assets: measureAssets,
  policy: measurePolicy,
  events: measureEvents,
};
const ALONE: Readonly<Record<string, (say: Say) => Promise<Chapter>>> = { joining: measureTenThousand };
const PAGE = 'docs/benchmarks.md';

const say: Say = (line) => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
const asked = process.argv.slice(2);
const known = [...Object.keys(PARTS), ...Object.keys(ALONE)];
const unknown = asked.filter((part) => !known.includes(part));
if (unknown.length > 0) {
  process.stderr.write(`There is no part ${unknown.join(', ')}; there are ${known.join(', ')}.\n`);
  process.exit(2);
}

const conditions = await readConditions();
const chapters: Chapter[] = [];
const filled = createFilledCompany();
try {
  for (const [part, measure] of Object.entries(PARTS)) {
    if (asked.length === 0 || asked.includes(part)) chapters.push(await measure(say, filled));
  }
} finally {
  await filled.remove();
}
if (chapters.length > 0) process.stdout.write(`${renderChapters(chapters, conditions)}\n`);
for (const [part, measure] of Object.entries(ALONE)) {
  if (!asked.includes(part)) continue;
  const chapter = renderAlone(await measure(say), await readConditions());
  process.stdout.write(`${chapter}\n`);
  await writeFile(PAGE, withMeasurements(await readFile(PAGE, 'utf8'), chapter, markersOf(part)));
  say(`written to ${PAGE}`);
}
if (asked.length === 0) {
  await writeFile(PAGE, withMeasurements(await readFile(PAGE, 'utf8'), renderChapters(chapters, conditions)));
  say(`written to ${PAGE}`);
}
