import type { Reporter, TestModule } from 'vitest/node';

/** Tests that may need a second try in one run: more of them are no accident of a busy machine. */
const MOST = 5;

/**
 * Names the tests that failed and passed when they were tried again, with what they said the first time: each of them
 * has a race in it, or the product has, and is to be mended. More than a few of them fail the run.
 */
export function secondLook(write: (text: string) => void): Reporter {
  return {
    onTestRunEnd(modules) {
      const again = modules.flatMap(triedAgain);
      if (again.length === 0) return;
      write(`\nPassed at the second try only, and to be mended (${again.length}):\n${again.join('\n')}\n`);
      if (again.length > MOST) process.exitCode = 1;
    },
  };
}

function triedAgain(module: TestModule): string[] {
  return [...module.children.allTests('passed')]
    .filter((test) => test.diagnostic()?.flaky === true)
    .map((test) => {
      const [first] = test.result().errors ?? [];
      return `  ${module.relativeModuleId} > ${test.fullName}: ${first?.message ?? 'no error was kept'}`;
    });
}
