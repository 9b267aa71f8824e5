import * as z from 'zod';
import {
  ESCROW_KEEP_DAYS_MAX,
  NAME_LENGTH,
  TRANSFORMS_WAITING,
  TRANSFORMS_WAITING_MAX,
} from '../lib/limits.ts';
import { parseNetwork } from '../lib/networks.ts';
import { isIssuer, isNameServer } from './addresses.ts';
import { events } from './events-schema.ts';
import { keyLog, witness } from './key-log-schema.ts';
import { lifetimes } from './lifetimes-schema.ts';

/** Every object refuses unknown keys; every key has a description, from which the example is written. */

const secretSource = z.union(
  [
    z.strictObject({
      env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must name an environment variable'),
    }),
    z.strictObject({ file: z.string().min(1) }),
  ],
  { error: 'must be { env: NAME } or { file: PATH }; the secret itself never stands in this file' },
);

const network = z.string().refine((text) => parseNetwork(text) !== undefined, {
  error: 'must be a network in CIDR notation, such as 10.0.0.0/8',
});

const listen = z.strictObject({
  address: z.string().min(1).default('0.0.0.0').describe('The address of the machine to listen on.'),
  port: z.int().min(0).max(65_535).default(8443).describe('The TCP port; 0 takes a free one.'),
  tls: z
    .strictObject({
      certificate_file: z.string().min(1).describe('The certificate and its chain, PEM.'),
      key_file: z.string().min(1).describe('The private key, PEM.'),
    })
    .optional()
    .describe('TLS ended by the bridge itself. Without it, a proxy ends TLS and stands in trusted_proxies.')
    .meta({
      examples: [{ certificate_file: './tls/bridge.crt', key_file: './tls/bridge.key' }],
      shown: true,
    }),
  trusted_proxies: z
    .array(network)
    .default([])
    .describe('Networks (CIDR) of the proxies whose X-Forwarded headers are believed.')
    .meta({ examples: [['10.0.0.0/24']] }),
});

const caFile = z.string().min(1).optional();

const storage = z.discriminatedUnion(
  'driver',
  [
    z.strictObject({
      driver: z.literal('sqlite').describe('The database: sqlite is embedded.'),
      path: z
        .string()
        .min(1)
        .default('./data/countersign.db')
        .describe('The database file. Relative paths in this file start at this file’s folder.'),
    }),
    z.strictObject({
      driver: z
        .literal('postgres')
        .describe('The database: a PostgreSQL server, 13 or newer, which several replicas can share.'),
      url: secretSource
        .describe(
          'Where it is, as { env: NAME } or { file: PATH } of postgresql://user:password@host:5432/database. Of ' +
            'several hosts (host1:5432,host2:5432) the one that takes writes is used.',
        )
        .meta({ examples: [{ env: 'COUNTERSIGN_DATABASE_URL' }] }),
      tls: z
        .enum(['verify', 'off'])
        .optional()
        .describe(
          'TLS with a verified certificate is used unless the server is on this machine; off does without.',
        )
        .meta({ examples: ['off'] }),
      ca_file: caFile
        .describe('Certificates (PEM) to trust for it in place of the public ones.')
        .meta({ examples: ['./tls/database-ca.pem'] }),
      pool_size: z
        .int()
        .min(2)
        .max(200)
        .default(10)
        .describe('Connections of this replica at most; half of them only read.'),
    }),
  ],
  { error: 'needs a driver: sqlite or postgres' },
);

const sharedCache = z
  .strictObject({
    driver: z
      .literal('redis')
      .describe(
        'Where short-lived shared state is kept: redis (Redis 6.2 or newer, or Valkey), for several replicas.',
      ),
    url: secretSource
      .describe(
        'Where it is, as { env: NAME } or { file: PATH } of redis://user:password@host:6379/0, or rediss:// for TLS. ' +
          'With sentinel or cluster, some of their addresses: host1:26379,host2:26379.',
      )
      .meta({ examples: [{ env: 'COUNTERSIGN_CACHE_URL' }] }),
    topology: z
      .enum(['single', 'sentinel', 'cluster'])
      .default('single')
      .describe('How the servers are arranged: single, sentinel or cluster.'),
    sentinel_group: z
      .string()
      .min(1)
      .optional()
      .describe('The name of the primary that the Sentinels watch.')
      .meta({ examples: ['mymaster'] }),
    sentinel_password: secretSource
      .optional()
      .describe('The Sentinels’ own password, as { env: NAME } or { file: PATH }.')
      .meta({ examples: [{ env: 'COUNTERSIGN_SENTINEL_PASSWORD' }] }),
    ca_file: caFile
      .describe('Certificates (PEM) to trust for it in place of the public ones.')
      .meta({ examples: ['./tls/cache-ca.pem'] }),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'must be up to 64 letters, digits and . : _ -')
      .default('countersign:')
      .describe('What every key begins with: bridges of different companies must not share one.'),
    timeout_ms: z
      .int()
      .min(50)
      .max(10_000)
      .default(1_000)
      .describe('The longest wait for an answer; what needs one is refused then.'),
  })
  .refine((value) => (value.topology === 'sentinel') === (value.sentinel_group !== undefined), {
    path: ['sentinel_group'],
    error: 'belongs to the topology sentinel, which needs it',
  });

const cache = z.discriminatedUnion(
  'driver',
  [
    z.strictObject({
      driver: z
        .literal('memory')
        .describe('Where short-lived shared state is kept: memory, for one process.'),
    }),
    sharedCache,
  ],
  { error: 'needs a driver: memory or redis' },
);

const signer = z.discriminatedUnion(
  'driver',
  [
    z.strictObject({
      driver: z.literal('local').describe('Who keeps the bridge’s keys: local seals them in the database.'),
      key_encryption_key: secretSource
        .describe(
          'The key that seals them: 32 random bytes as base64url (openssl rand -base64 32 | tr +/ -_ | tr -d =), ' +
            'as { env: NAME } or { file: PATH }. Keep a copy apart from the backups of the database.',
        )
        .meta({ examples: [{ env: 'COUNTERSIGN_KEK' }] }),
      previous_key_encryption_key: secretSource
        .optional()
        .describe(
          'The key before it, while it is replaced: given to every replica together with the new one, and until ' +
            '`countersign keys rotate-encryption-key` has finished.',
        )
        .meta({ examples: [{ env: 'COUNTERSIGN_PREVIOUS_KEK' }] }),
    }),
  ],
  { error: 'needs a driver: local' },
);

const outbound = z.strictObject({
  allowed_networks: z
    .array(network)
    .default([])
    .describe(
      'Networks (CIDR) that the bridge may connect to although they are not public: an IdP or a SIEM inside.',
    )
    .meta({ examples: [['10.20.0.0/16']] }),
  ca_file: z
    .string()
    .min(1)
    .optional()
    .describe('Certificates (PEM) to trust beside the public ones: the company’s own authority.')
    .meta({ examples: ['./tls/company-ca.pem'] }),
  dns_servers: z
    .array(z.string().refine(isNameServer, { error: 'must be an IP address, with a port if it is not 53' }))
    .min(1)
    .optional()
    .describe('Name servers (ip or ip:port) to ask in place of the machine’s.')
    .meta({ examples: [['10.0.0.53', '10.0.1.53:5353']] }),
});

const escrow = z.strictObject({
  organization: z
    .enum(['required', 'offered', 'off'])
    .default('off')
    .describe(
      'Whether two administrators together can give people their keys back: required, offered or off. Peers see it; ' +
        'the administrators first make the recovery key (`countersign recovery init-officer`).',
    ),
  keep_days: z
    .int()
    .min(0)
    .max(ESCROW_KEEP_DAYS_MAX)
    .default(30)
    .describe(
      'Days for which what a closed person escrowed to the organization is kept, so that two administrators can have read ' +
        'what they sealed to themselves; 0: it is destroyed at once. Erasing destroys it always.',
    ),
});

const transforms = z.strictObject({
  workers: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe(
      'Threads that transform, while there is anything to. Without it as many as the machine has cores.',
    )
    .meta({ examples: [4] }),
  queue: z
    .int()
    .min(1)
    .max(TRANSFORMS_WAITING_MAX)
    .default(TRANSFORMS_WAITING)
    .describe('Transforms of one priority that wait at most; who comes then is asked to come again.'),
});

/** The configuration file as it is written. */
export const configSchema = z.strictObject({
  issuer: z
    .string()
    .refine(isIssuer, {
      error: 'must be an https URL of scheme, host and port alone: no path, no trailing slash, lower case',
    })
    .describe(
      'The public base URL. It is also the entity id and the issuer (iss) of everything that is signed, so it ' +
        'cannot be changed later.',
    )
    .meta({ examples: ['https://bridge.acme.example'] }),
  organization: z
    .strictObject({
      name: z
        .string()
        .trim()
        .min(1)
        .max(NAME_LENGTH)
        .describe('The name that people and partner companies see.')
        .meta({ examples: ['Acme'] }),
    })
    .describe('The company that this bridge speaks for.'),
  listen: listen
    .refine((value) => value.tls !== undefined || value.trusted_proxies.length > 0, {
      path: ['tls'],
      error: 'needs a certificate, or else the proxy that ends TLS in trusted_proxies',
    })
    .describe('Where the bridge takes requests.'),
  storage: storage.prefault({ driver: 'sqlite' }).describe('Where records are kept.'),
  cache: cache.prefault({ driver: 'memory' }).describe('Login state, replay memory, rate limits.'),
  signer: signer.describe('The bridge’s own keys.'),
  outbound: outbound
    .prefault({})
    .describe('What the bridge may connect to: identity providers, partners, event receivers.'),
  lifetimes: lifetimes
    .prefault({})
    .describe('How long the bridge’s keys and tokens are valid; how long all else is, policy says.'),
  escrow: escrow.prefault({}).describe('Who else can recover the keys of people.'),
  events: events.prefault({}).describe('The security event log.'),
  transforms: transforms
    .prefault({})
    .describe('Transforms of proxy re-encryption: what gives meeting keys to devices.'),
  key_log: keyLog.prefault({}).describe('The transparency log of keys, and who keeps it honest.'),
  witness: witness.prefault({}).describe('Whose logs this bridge is a witness of, at /witness.'),
  metrics: z
    .strictObject({
      address: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .describe('The address of the machine to listen on; never one that the public reaches.'),
      port: z.int().min(0).max(65_535).describe('The TCP port; 0 takes a free one.'),
    })
    .optional()
    .describe('Prometheus metrics on a listener of their own, at /metrics. Without it there are none.')
    .meta({ examples: [{ address: '127.0.0.1', port: 9464 }] }),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'fatal', 'silent'])
        .default('info')
        .describe('The least level that is written to stderr: debug, info, warn, error, fatal or silent.'),
    })
    .prefault({})
    .describe('The operational log.'),
});

/** The file's content with its defaults: secrets are still references, paths as written. */
export type Settings = z.infer<typeof configSchema>;
