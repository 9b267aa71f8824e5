import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { DecisionRequest } from '../decision.ts';
import { asDecisionRequest, decisionRequestSchema } from '../decision-request-schema.ts';
import { createRequestCheck } from '../engine/request-check.ts';
import type { CompiledPolicy } from './compile-policy.ts';
import type { PolicyFault } from './policy-faults.ts';
import { CASES_FOLDER } from './policy-folder.ts';

/** A question with its expected answer: `cases/ALLOW/a-guest-joins-a-meeting.json`. */
export interface PolicyCase {
  /** From the folder of the policies. */
  readonly file: string;
  /** As its folder says. */
  readonly effect: 'allow' | 'deny';
  readonly request: DecisionRequest;
  /** The id of the policy that is to decide, where the case names one. */
  readonly policy?: string;
}

const FOLDERS = { ALLOW: 'allow', DENY: 'deny' } as const;
const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)+\.json$/;
const caseSchema = decisionRequestSchema.extend({ policy: z.string().optional() });

/** The cases of a folder of policies, which may have none, and what is wrong with their files. */
export function readPolicyCases(folder: string): { cases: PolicyCase[]; faults: PolicyFault[] } {
  const cases: PolicyCase[] = [];
  const faults: PolicyFault[] = [];
  for (const file of list(folder, CASES_FOLDER)) {
    if (!(file in FOLDERS)) {
      faults.push({ file: join(CASES_FOLDER, file), what: 'is neither ALLOW nor DENY, where cases lie' });
    }
  }
  for (const [name, effect] of Object.entries(FOLDERS)) {
    for (const file of list(folder, CASES_FOLDER, name)) {
      const path = join(CASES_FOLDER, name, file);
      try {
        if (!FILE_NAME.test(file)) throw new Error('its name is no sentence-in-lower-case-with-hyphens.json');
        cases.push({ file: path, effect, ...readCase(join(folder, path)) });
      } catch (error) {
        faults.push({ file: path, what: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  return { cases, faults };
}

/** The cases that the policy answers otherwise, or cannot be asked at all. */
export function failingCases(cases: readonly PolicyCase[], policy: CompiledPolicy): PolicyFault[] {
  const problemOf = createRequestCheck(policy.content.schema);
  return cases.flatMap(({ file, effect, request, policy: expected }): PolicyFault[] => {
    const problem = problemOf(request);
    if (problem !== undefined) return [{ file, what: problem, remedy: 'Ask as the schema foresees it' }];
    const decision = policy.decide(request);
    const right = decision.effect === effect && decision.policy !== 'engine-failed';
    if (right && (expected === undefined || expected === decision.policy)) return [];
    const wanted = expected === undefined ? effect : `${effect} by “${expected}”`;
    const nearest = decision.nearest?.map((id) => `“${id}”`).join(', ') ?? '';
    return [
      {
        file,
        what: `expected ${wanted}, but “${decision.policy}” says ${decision.effect}: ${decision.reason}`,
        ...(nearest === '' ? {} : { remedy: `Nearest to allowing it: ${nearest}` }),
      },
    ];
  });
}

function readCase(path: string): Pick<PolicyCase, 'request' | 'policy'> {
  const parsed = caseSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) {
    const issues = parsed.error.issues.map(
      (issue) => `${issue.path.map(String).join('.')}: ${issue.message}`,
    );
    throw new Error(`is no request for a decision: ${issues.join('; ')}`);
  }
  const { policy, ...request } = parsed.data;
  return { request: asDecisionRequest(request), ...(policy === undefined ? {} : { policy }) };
}

function list(...parts: readonly string[]): string[] {
  const folder = join(...parts);
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
