import { join } from 'node:path';
import type { ConsoleLines } from './console-lines.ts';
import type { Options } from './options.ts';
import { createJsonReport } from './report/json-report.ts';
import { createPaint } from './report/paint.ts';
import { conclusion, createTextReport, introduction, type Output, whatRuns } from './report/text-report.ts';
import { type Stage, setStage } from './stage/stage.ts';
import { lastTroubles } from './stage/troubles.ts';
import type { Step, StepResult } from './step.ts';
import { tellStory } from './story.ts';

const INTERRUPTED = 130;

/** What the demo writes to and hears from. */
export interface Surroundings {
  readonly out: Output;
  readonly err: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly console?: ConsoleLines;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/**
 * Tells the story on a fresh stage, which is gone when this resolves. Answers the exit status: 0 when every step held,
 * 1 when one did not, 130 when the person ended it before that was known.
 */
export async function runDemo(
  steps: readonly Step[],
  options: Pick<Options, 'once' | 'json'>,
  surroundings: Surroundings,
): Promise<number> {
  const stage = await setStage(surroundings.signal);
  surroundings.console?.sendTo(join(stage.folder, 'logs', 'console.log'));
  try {
    const tell = options.json ? tellToProgram : tellToPerson;
    return await tell(steps, stage, options.once, surroundings);
  } finally {
    await stage.close();
  }
}

async function tellToProgram(
  steps: readonly Step[],
  stage: Stage,
  once: boolean,
  { out, err, signal }: Surroundings,
): Promise<number> {
  const results = await tellStory(steps, stage, createJsonReport(out));
  if (signal.aborted) return INTERRUPTED;
  const failed = failedOf(results);
  if (failed !== undefined) await tellTroubles(failed, stage, err);
  else if (!once) await untilAborted(signal);
  return failed === undefined ? 0 : 1;
}

async function tellToPerson(
  steps: readonly Step[],
  stage: Stage,
  once: boolean,
  { out, err, env, signal }: Surroundings,
): Promise<number> {
  const paint = createPaint(out, env);
  out.write(introduction(stage, paint, out));
  const results = await tellStory(steps, stage, createTextReport(out, paint));
  if (signal.aborted) return interrupted(out);
  out.write(conclusion(results, paint));
  const failed = failedOf(results);
  if (failed !== undefined) {
    await tellTroubles(failed, stage, err);
    return 1;
  }
  if (once) return 0;
  out.write(whatRuns(stage, paint));
  await untilAborted(signal);
  out.write('\n  Stopping.\n');
  return 0;
}

async function tellTroubles({ step }: StepResult, stage: Stage, err: Output): Promise<void> {
  err.write(`The story ends at step ${step.name}.\n`);
  for (const line of await lastTroubles(stage)) err.write(`${line}\n`);
}

function interrupted(out: Output): number {
  out.write('\n  Stopped before the end of the story.\n');
  return INTERRUPTED;
}

function failedOf(results: readonly StepResult[]): StepResult | undefined {
  return results.find(({ ok }) => !ok);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    // Open servers keep the process alive meanwhile.
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
