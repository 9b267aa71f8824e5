/**
 * Which tests run once more with the records in PostgreSQL and what is short-lived in Redis, and why the others do not.
 * Paths are below test/; a folder stands for all of its tests.
 */

/** What keeps records, tested by its services. */
const FEATURES = [
  ...['administration', 'binding', 'escrow', 'event-proof', 'events', 'federation', 'groups', 'identity'],
  ...['key-openings', 'keylog', 'lifecycle', 'meetings', 'oauth', 'policy-changes', 'policy-versions'],
  ...['rotation', 'signer', 'sinks', 'tlog', 'witness'],
  ...[
    'log-recovery/log-recovery',
    'log-recovery/log-status',
    'log-recovery/log-survey',
    'signals/receiver-tokens',
    'signals/waiting-queues',
  ],
  ...['signals/who-is-told', 'signals-in/partner-signals', 'signals-in/signal-subject'],
  ...['storage/one-time', 'storage/remembered-reads', 'storage/repeated-statement'],
];

/** Whole bridges, asked over HTTP: everything that they do to store and cache on the way of a request or behind it. */
const WHOLE_BRIDGES = [
  ...[
    'http/bad-requests',
    'http/denied-requests',
    'http/erasure',
    'http/public-look-up',
    'http/pulled-events',
  ],
  ...['http/sinks', 'http/whole-story'],
  ...['live/events-route', 'live/watch', 'services', 'device-grant/approval', 'device-grant/room'],
  ...['signals/held-stream', 'signals/outage', 'signals/partner-push', 'signals/poll', 'signals/receivers'],
  ...['signals/suspended-partner', 'signals-in/idp-signals', 'signals-in/partner-invalidation'],
  ...['log-recovery/lost-head-file', 'audit/bridge', 'metrics/metrics'],
  ...['client/groups', 'client/policy-recipients', 'client/removed-signers', 'client/meetings/removed-host'],
  'client/meetings/two-bridges',
];

/** Several processes of one bridge, which there are on these stores alone. */
const REPLICAS = ['replicas'];

/** Of those folders: what is refused, computed or shown before a store is asked. Once is enough. */
const OF_NO_STORE = [
  ...['administration/bad-input', 'binding/enrolment-proofs', 'events/catalog', 'federation/partner-faults'],
  ...['escrow/client', 'key-openings/attacks', 'key-openings/busy-bridges', 'policy-changes/commands'],
  ...['policy-changes/content-diff', 'policy-versions/restore-defaults', 'signer/root-key', 'signer/sealing'],
  ...['meetings/feeds', 'witness/witness-command'],
];

/*
 * Whole bridges and replicas take some 450 s of processor time: less than six minutes of two cores. Left out are:
 * - clients against a bridge that lies (test/client with its fake bridge, client/groups-lies), which keeps nothing;
 * - connectors to identity providers and to SIEMs, formats, protocol/: they know no store;
 * - what a command prints (cli, signals/receiver-commands and others), as the routes behind it are asked here;
 * - pages, headers and sizes of requests (http/surface), the API document and the guides' code;
 * - every refusal of every endpoint (http/bad-input, a minute by itself): http/bad-requests has each kind of them;
 * - browsers, whose bridges do nothing that others do not, and the model of random histories (model), which is long and
 *   of bridges that the tests of groups and key openings have asked the same.
 */

const pathsOf = (names: readonly string[]) => names.map((name) => `test/${name}{/**/*,}.test.ts`);

export const ON_BOTH_STORES = pathsOf([...FEATURES, ...WHOLE_BRIDGES, ...REPLICAS]);
export const ON_ONE_STORE = pathsOf(OF_NO_STORE);
/** Not run over the embedded store. */
export const ON_SHARED_STORES = pathsOf(REPLICAS);
