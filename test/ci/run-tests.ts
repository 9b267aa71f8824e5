/**
 * Runs all tests, or those of these files and folders. With `CI=true` the files that failed are run once more, where
 * they are few.
 *
 * usage: tsx test/ci/run-tests.ts [path...]
 */
import { createVitest } from 'vitest/node';
import { runTests } from './second-run.ts';

const vitest = await createVitest('test', { watch: false });
const well = await runTests(vitest, {
  paths: process.argv.slice(2),
  again: process.env.CI === 'true',
  write: (text) => void process.stderr.write(text),
}).catch((error: unknown) => {
  console.error(error);
  return false;
});
process.exitCode = well ? 0 : 1;
await vitest.exit();
