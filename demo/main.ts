/** `npm run demo`: two companies, two bridges, one story, told with real parts. */
import { type Options, parseOptions, USAGE } from './options.ts';
import { createJsonReport } from './report/json-report.ts';
import { createPaint } from './report/paint.ts';
import { conclusion, createTextReport, introduction, whatRuns } from './report/text-report.ts';
import { type Stage, setStage } from './stage/stage.ts';
import { STORY, tellStory } from './story.ts';

const INTERRUPTED = 130;

/** Answers the exit status: 0 when every step held, 1 when one did not, 130 when the person ended it before. */
async function run(options: Options, signal: AbortSignal): Promise<number> {
  const stage = await setStage(signal);
  try {
    return options.json ? await tellToProgram(options, stage) : await tellToPerson(options, stage);
  } finally {
    await stage.close();
  }
}

async function tellToProgram(options: Options, stage: Stage): Promise<number> {
  const results = await tellStory(STORY, stage, createJsonReport(process.stdout));
  if (stage.signal.aborted) return INTERRUPTED;
  const failed = results.find((result) => !result.ok);
  if (failed !== undefined) process.stderr.write(`step ${failed.step.name} failed\n`);
  else if (!options.once) await untilAborted(stage.signal);
  return failed === undefined ? 0 : 1;
}

async function tellToPerson(options: Options, stage: Stage): Promise<number> {
  const out = process.stdout;
  const paint = createPaint(out, process.env);
  out.write(introduction(stage, paint));
  const results = await tellStory(STORY, stage, createTextReport(out, paint));
  if (stage.signal.aborted) return INTERRUPTED;
  out.write(conclusion(results, paint));
  if (results.some(({ ok }) => !ok)) return 1;
  if (options.once) return 0;
  out.write(whatRuns(stage, paint));
  await untilAborted(stage.signal);
  out.write('\n  Stopping.\n');
  return 0;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    // Open servers keep the process alive meanwhile.
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function readOptions(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
}

const options = readOptions();
if (options === undefined) {
  process.exitCode = 2;
} else if (options.help) {
  process.stdout.write(USAGE);
} else {
  const ended = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    // The second one does not wait for the clean-up.
    process.on(name, () => (ended.signal.aborted ? process.exit(INTERRUPTED) : ended.abort()));
  }
  process.exitCode = await run(options, ended.signal);
}
