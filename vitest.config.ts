import { configDefaults, defineConfig } from 'vitest/config';
import { NO_BROWSER } from './test/browser/find-browser.ts';
import { NO_STRACE } from './test/fakes/find-strace.ts';
import { NO_POSTGRES } from './test/fakes/throwaway-postgres.ts';
import { NO_REDIS } from './test/fakes/throwaway-redis.ts';
import { requireTools } from './test/needed-tools.ts';
import { ON_BOTH_STORES, ON_ONE_STORE, ON_SHARED_STORES } from './test/on-both-stores.ts';

const common = {
  exclude: [...configDefaults.exclude, 'test/peers/**'],
  pool: 'forks' as const,
  // Only what hangs is to be ended by these: a busy machine takes several times as long as a quiet one.
  testTimeout: 120_000,
  hookTimeout: 180_000,
  // Most tests wait for servers of their own for much of their time: with one worker two cores stand half idle.
  maxWorkers: 2,
};

requireTools([NO_POSTGRES, NO_REDIS, NO_BROWSER, NO_STRACE], {
  inCi: process.env.CI === 'true',
  warn: (line) => console.warn(line),
});

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'embedded',
          include: ['test/**/*.test.ts'],
          exclude: [...common.exclude, ...ON_SHARED_STORES],
        },
      },
      ...(NO_POSTGRES === undefined
        ? [
            {
              test: {
                ...common,
                name: 'postgres',
                include: ON_BOTH_STORES,
                exclude: [
                  ...common.exclude,
                  ...ON_ONE_STORE,
                  ...(NO_REDIS === undefined ? [] : ON_SHARED_STORES),
                ],
                env: { COUNTERSIGN_TEST_STORE: 'postgres' },
                globalSetup: 'test/fakes/shared-servers.ts',
              },
            },
          ]
        : []),
    ],
  },
});
