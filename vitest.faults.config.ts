import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // not named as tests are, which are run each time
    include: ['test/faults/{order-of-writes,system-calls,delivery-chaos}.ts'],
    pool: 'forks',
    fileParallelism: false,
    disableConsoleIntercept: true,
    testTimeout: 900_000,
    hookTimeout: 60_000,
  },
});
