import { configDefaults, defineConfig } from 'vitest/config';
import { NO_BROWSER } from './test/browser/find-browser.ts';
import { NO_STRACE } from './test/fakes/find-strace.ts';
import { NO_POSTGRES } from './test/fakes/throwaway-postgres.ts';
import { NO_REDIS } from './test/fakes/throwaway-redis.ts';
import { requireTools } from './test/needed-tools.ts';
import { secondLook } from './test/second-look.ts';

/** The features that keep records: their tests run once more with the records in PostgreSQL. */
const ON_BOTH_STORES = [
  ...[
    'administration',
    'binding',
    'escrow',
    'event-proof',
    'events',
    'federation',
    'groups',
    'identity',
    'key-openings',
    'keylog',
    'lifecycle',
    'meetings',
    'oauth',
    'policy-changes',
    'policy-versions',
    'rotation',
    'signer',
    'sinks',
    'tlog',
    'witness',
  ],
  ...['signals-in/partner-signals', 'signals-in/signal-subject'],
  ...['storage/one-time', 'storage/remembered-reads', 'storage/repeated-statement'],
  ...['log-recovery/log-status', 'log-recovery/log-survey', 'signals/who-is-told', 'signals/waiting-queues'],
  ...['signals/receiver-tokens'],
].map((name) => `test/${name}{/**/*,}.test.ts`);

/** Those among them that test what is refused before a store is asked: once is enough. */
const OF_NO_STORE = [
  ...['administration/bad-input', 'binding/enrolment-proofs', 'federation/partner-faults'],
  ...[
    'key-openings/attacks',
    'key-openings/busy-bridges',
    'escrow/client',
    'rotation/client',
    'events/catalog',
    'policy-versions/publication',
    'policy-versions/restore-defaults',
    'signer/root-key',
    'signer/sealing',
  ],
  ...['policy-changes/commands', 'policy-changes/content-diff'],
  ...['witness/witness-command', 'witness/partner-bridge', 'meetings/feeds', 'meetings/whole-bridges'],
].map((name) => `test/${name}.test.ts`);

const common = {
  exclude: [...configDefaults.exclude, 'test/peers/**'],
  pool: 'forks' as const,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Most tests wait for servers of their own for much of their time: with one worker two cores stand half idle.
  maxWorkers: 2,
  // Where nobody looks on, one test in ten thousand must not stop everything; the run names it at its end.
  retry: process.env.CI === 'true' ? 1 : 0,
};

requireTools([NO_POSTGRES, NO_REDIS, NO_BROWSER, NO_STRACE], {
  inCi: process.env.CI === 'true',
  warn: (line) => console.warn(line),
});

export default defineConfig({
  test: {
    reporters: ['default', secondLook((text) => void process.stderr.write(text))],
    projects: [
      { test: { ...common, name: 'embedded', include: ['test/**/*.test.ts'] } },
      ...(NO_POSTGRES === undefined
        ? [
            {
              test: {
                ...common,
                name: 'postgres',
                include: ON_BOTH_STORES,
                exclude: [...common.exclude, ...OF_NO_STORE],
                env: { COUNTERSIGN_TEST_STORE: 'postgres' },
                globalSetup: 'test/fakes/shared-servers.ts',
              },
            },
          ]
        : []),
    ],
  },
});
