import { isCountersignError } from '../../client/index.ts';
import type { StepResult } from '../step.ts';
import type { Report } from '../story.ts';
import type { Output } from './text-report.ts';

/** Tells the story to a program: one JSON object a line for each step, artefacts whole. */
export function createJsonReport(out: Output): Report {
  return {
    began: () => undefined,
    ended: (result) => out.write(`${JSON.stringify(describe(result))}\n`),
  };
}

function describe(result: StepResult) {
  const { number, step, ok, ms } = result;
  const head = { step: number, name: step.name, title: step.title, ok, ms };
  return result.ok ? { ...head, findings: result.findings } : { ...head, error: faultOf(result.error) };
}

function faultOf(error: unknown): { code: string | null; message: string } {
  const code = isCountersignError(error) ? error.code : null;
  return { code, message: error instanceof Error ? error.message : String(error) };
}
