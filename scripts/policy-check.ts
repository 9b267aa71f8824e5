import { writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { type CompiledPolicy, compilePolicy } from '../bridge/policy/content/compile-policy.ts';
import { defaultPolicyFolder } from '../bridge/policy/content/default-content.ts';
import { failingCases, readPolicyCases } from '../bridge/policy/content/policy-cases.ts';
import { describeFault, type PolicyFault, PolicyFaults } from '../bridge/policy/content/policy-faults.ts';
import { readPolicyFolder } from '../bridge/policy/content/policy-folder.ts';
import { formatFaults, formatted } from '../bridge/policy/content/policy-format.ts';
import { isCountersignError } from '../protocol/errors.ts';
import type { PolicyContent } from '../protocol/policy-bundle.ts';

/**
 * Checks a folder of policies (the shipped one, if none is named): that it validates, decides its cases as they expect,
 * and is formatted. `--write` formats it first.
 *
 *     npx tsx scripts/policy-check.ts [folder] [--write]
 */
const FORMAT_REMEDY = 'Run this again with `--write`';

const words = process.argv.slice(2);
const folder = resolve(words.find((word) => !word.startsWith('-')) ?? defaultPolicyFolder());
const faults = check(folder, words.includes('--write'));
const shown = relative(process.cwd(), folder) || '.';
for (const fault of faults) {
  console.error(describeFault({ ...fault, file: join(shown, fault.file) }));
}
if (faults.length > 0) {
  console.error(`\n${faults.length === 1 ? 'One fault' : `${faults.length} faults`} in ${shown}.`);
  process.exitCode = 1;
}

function check(path: string, write: boolean): readonly PolicyFault[] {
  const content = faultsInstead(() => readPolicyFolder(path));
  if (isFaults(content)) return content;
  if (write) formatFiles(path, content);
  const policy = faultsInstead(() => compilePolicy(content));
  const { cases, faults: fileFaults } = readPolicyCases(path);
  const format = write ? [] : formatFaults(content).map((fault) => ({ ...fault, remedy: FORMAT_REMEDY }));
  if (isFaults(policy)) return [...policy, ...format, ...fileFaults];
  const failing = failingCases(cases, policy);
  const found = [...format, ...fileFaults, ...failing];
  if (found.length === 0) console.log(summary(policy, cases.length));
  return found;
}

function formatFiles(path: string, { policies }: PolicyContent): void {
  for (const [file, text] of Object.entries(policies)) {
    if (formatted(text) !== text) writeFileSync(join(path, file), formatted(text));
  }
}

function summary({ policies, content }: CompiledPolicy, cases: number): string {
  const files = Object.keys(content.policies).length;
  return `${policies.length} policies in ${files} files are valid, and answer ${cases} cases as expected.`;
}

function faultsInstead<Result>(work: () => Result): Result | readonly PolicyFault[] {
  try {
    return work();
  } catch (error) {
    if (!isCountersignError(error, 'policy_invalid')) throw error;
    if (error.cause instanceof PolicyFaults) return error.cause.faults;
    return [{ file: '', what: error.detail ?? error.message }];
  }
}

function isFaults<Result>(result: Result | readonly PolicyFault[]): result is readonly PolicyFault[] {
  return Array.isArray(result);
}
