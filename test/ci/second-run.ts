import type { TestModule, TestRunResult, TestSpecification, Vitest } from 'vitest/node';

/** Files that may need a second run: more of them, of some seven hundred, are no accident of a busy machine. */
const MOST = 12;

export interface TestRunOptions {
  /** Files and folders, or parts of their names; empty: all. */
  readonly paths: readonly string[];
  readonly again: boolean;
  readonly write: (text: string) => void;
}

/**
 * Runs tests; with `again` the files that failed once more, each as a whole. A test alone would meet what its first
 * try has left behind, and a set-up that failed is not tried again with it. Names those files with what they said the
 * first time, as each of them has a race in it, or the product has. Answers whether all is well.
 */
export async function runTests(
  vitest: Pick<Vitest, 'start' | 'runTestSpecifications'>,
  { paths, again, write }: TestRunOptions,
): Promise<boolean> {
  const first = await vitest.start([...paths]);
  const failed = first.testModules.filter((module) => !module.ok());
  // What was thrown outside of tests belongs to no file.
  if (!again || failed.length === 0 || first.unhandledErrors.length > 0) return isWell(first);
  if (failed.length > MOST) {
    write(`\n${failed.length} files failed: too many for a second run.\n`);
    return false;
  }
  const faults = failed.flatMap(faultsOf).join('\n');
  write(`\nFailed, and run once more as they may have a race in them (${failed.length} files):\n${faults}\n`);
  const second = await vitest.runTestSpecifications(failed.map(specificationOf));
  if (!isWell(second)) return false;
  write(`\nPassed at the second run only, and to be mended (${failed.length} files):\n${faults}\n`);
  return true;
}

function isWell({ testModules, unhandledErrors }: TestRunResult): boolean {
  return unhandledErrors.length === 0 && testModules.every((module) => module.ok());
}

function specificationOf(module: TestModule): TestSpecification {
  return module.toTestSpecification();
}

function faultsOf(module: TestModule): string[] {
  const suites = [module, ...module.children.allSuites()].flatMap((suite) => {
    const [error] = suite.errors();
    return error === undefined ? [] : [['its set-up or clean-up', error.message]];
  });
  const tests = [...module.children.allTests('failed')].map((test) => {
    const [error] = test.result().errors ?? [];
    return [test.fullName, error?.message ?? 'no error was kept'];
  });
  const project = module.project.name === '' ? '' : `|${module.project.name}| `;
  return [...suites, ...tests].map(
    ([what, said]) => `  ${project}${module.relativeModuleId} > ${what}: ${said}`,
  );
}
