import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  ConfigError,
  type ConfigFault,
  loadConfig,
  parseConfig,
  printConfig,
  renderExampleConfig,
} from '../../bridge/config/index.ts';
import {
  ED25519_COSIGNATURE,
  formatVerifierKey,
  parseVerifierKey,
  verifierKey,
} from '../../protocol/tlog/verifier-key.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

const KEK = Buffer.alloc(32, 7).toString('base64url');
const PREVIOUS_KEK = Buffer.alloc(32, 8).toString('base64url');
const LEAST = `
issuer: https://bridge.acme.example
organization: { name: Acme }
listen: { trusted_proxies: [10.0.0.0/24] }
signer: { driver: local, key_encryption_key: { env: COUNTERSIGN_KEK } }
`;

const { publicKey } = parseVerifierKey(
  'bridge.globex.example/witness+234814a0+BHbtNRxc/1MGEz+3jlXI6A002JDRfcGs0CRs6gVutr3O',
);
/** One key, under two names. */
const [COSIGNER, RENAMED] = ['w1.example', 'w2.example'].map((name) =>
  formatVerifierKey(verifierKey(name, ED25519_COSIGNATURE, publicKey)),
) as [string, string];
const witness = (vkey: string) => `{ vkey: '${vkey}', url: 'https://w.example' }`;

const surroundings = {
  env: { COUNTERSIGN_KEK: KEK, COUNTERSIGN_PREVIOUS_KEK: PREVIOUS_KEK } as Record<string, string | undefined>,
  directory: '/etc/countersign',
  readFile: (path: string) => `content of ${path}`,
};

function parse(text: string, changed: Partial<typeof surroundings> = {}) {
  return parseConfig(text, { ...surroundings, ...changed });
}

function faultsOf(text: string, changed: Partial<typeof surroundings> = {}): readonly ConfigFault[] {
  try {
    parse(text, changed);
  } catch (error) {
    if (error instanceof ConfigError) {
      expect(error.code).toBe('config_invalid');
      return error.faults;
    }
    throw error;
  }
  return [];
}

describe('a configuration', () => {
  it('with only the required keys has every default', () => {
    expect(parse(LEAST)).toMatchObject({
      issuer: 'https://bridge.acme.example',
      listen: { address: '0.0.0.0', port: 8443 },
      storage: { driver: 'sqlite', path: '/etc/countersign/data/countersign.db' },
      cache: { driver: 'memory' },
      outbound: { allowed_networks: [] },
      lifetimes: {
        online_keys_days: 90,
        access_token_minutes: 15,
        refresh_token_days: 30,
      },
      events: { stdout: true, retention_days: 400, buffer_events: 1_000_000, file_folders: [] },
      log: { level: 'info' },
    });
  });

  it('says of a setting that became policy where it lives now, each at its line', () => {
    const faults = faultsOf(`${LEAST}
lifetimes: { binding_hours: 12, person_keys_days: 30, group_keys_days: 30, lookup_max_age_seconds: 5 }
enrolment:
  max_devices: 3
`);
    const moved = faults.map(({ path, message }) => `${path}: ${message}`);
    expect(moved.map((text) => text.split(':')[0])).toEqual([
      ...['lifetimes.binding_hours', 'lifetimes.person_keys_days', 'lifetimes.group_keys_days'],
      ...['lifetimes.lookup_max_age_seconds', 'enrolment'],
    ]);
    for (const text of moved) {
      expect(text).toMatch(/ is policy now: .* policies\/\w+\.(json|cedar).* `countersign policy apply`$/);
    }
  });

  it('reports all faults at once, each with its path and line', () => {
    const faults = faultsOf(`
issuer: http://bridge.acme.example/
organisation: { name: Acme }
listen:
  prot: 8443
  port: "8443"
signer: { driver: local, key_encryption_key: { env: COUNTERSIGN_KEK } }
log: { level: loud }
`);
    expect(faults.map(({ path, line }) => [path, line]).sort()).toEqual([
      ['issuer', 2],
      ['listen.port', 6],
      ['listen.prot', 5],
      ['log.level', 8],
      ['organisation', 3],
      ['organization', undefined],
    ]);
  });

  it('says of a key that is missing that it is', () => {
    expect(faultsOf(LEAST.replace(/^organization.*$/m, ''))).toEqual([
      { path: 'organization', message: 'is missing' },
    ]);
  });

  it('says of a value of the wrong type what it should be', () => {
    expect(faultsOf(`${LEAST}events: { stdout: loud }\n`)).toEqual([
      { path: 'events.stdout', message: 'Invalid input: expected boolean, received string', line: 6 },
    ]);
  });

  it('refuses a key that it does not know', () => {
    expect(faultsOf(`${LEAST}connections: []\n`)).toEqual([
      { path: 'connections', message: 'there is no such key', line: 6 },
    ]);
  });

  it.each(['', '- a list', 'text', '{', 'issuer: a\nissuer: b', '"\\u{'])('is not the file %j', (text) => {
    expect(faultsOf(text).length).toBeGreaterThan(0);
  });

  it('names the drivers where another one is asked for', () => {
    expect(faultsOf(`${LEAST}storage: { driver: mongodb }\n`)).toEqual([
      { path: 'storage.driver', message: 'needs a driver: sqlite or postgres', line: 6 },
    ]);
  });

  it.each([
    ...[
      'http://a.example',
      'https://a.example/',
      'https://a.example/x',
      'https://A.example',
      'https://u@a.example',
    ],
    ...['https://a.example?x', 'https://a.example:443', 'a.example', ''],
  ])('does not take %j as the issuer', (issuer) => {
    expect(faultsOf(LEAST.replace('https://bridge.acme.example', JSON.stringify(issuer)))).toMatchObject([
      { path: 'issuer' },
    ]);
  });

  it('takes an issuer with a port', () => {
    expect(parse(LEAST.replace('acme.example', 'acme.example:8443')).issuer).toBe(
      'https://bridge.acme.example:8443',
    );
  });

  it.each<[string, string]>([
    ['as a witness and an auditor', `witnesses: [${witness(COSIGNER)}], auditors: ['${COSIGNER}']`],
    ['under two names', `witnesses: [${witness(COSIGNER)}, ${witness(RENAMED)}]`],
  ])('refuses one cosigner that counts twice: %s', (_how, cosigners) => {
    expect(faultsOf(`${LEAST}key_log: { ${cosigners} }\n`)).toMatchObject([
      { path: 'key_log', message: 'names a cosigner twice: each has one key and one role' },
    ]);
  });

  it('needs TLS from somebody', () => {
    expect(faultsOf(LEAST.replace(/^listen.*$/m, 'listen: {}'))).toMatchObject([
      { path: 'listen.tls', line: 4 },
    ]);
  });

  it.each([
    ['listen: { trusted_proxies: [10.0.0.1] }', 'listen.trusted_proxies.0'],
    ['outbound: { allowed_networks: [all] }', 'outbound.allowed_networks.0'],
    ['outbound: { dns_servers: [dns.example] }', 'outbound.dns_servers.0'],
    ['outbound: { dns_servers: ["10.0.0.1:0"] }', 'outbound.dns_servers.0'],
    ['events: { file_folders: [./events] }', 'events.file_folders.0'],
    ['events: { file_folders: [/var/log/../lib] }', 'events.file_folders.0'],
  ])('refuses %s', (line, path) => {
    const text = line.startsWith('listen') ? LEAST.replace(/^listen.*$/m, line) : `${LEAST}${line}\n`;
    expect(faultsOf(text)).toMatchObject([{ path }]);
  });

  it('takes name servers with and without a port', () => {
    const servers = ['10.0.0.1', '10.0.0.1:5353', 'fd00::1', '[fd00::1]:53'];
    expect(
      parse(`${LEAST}outbound: { dns_servers: ${JSON.stringify(servers)} }\n`).outbound.dns_servers,
    ).toEqual(servers);
  });

  it('reports files that cannot be read together with secrets that are not there', () => {
    const text = LEAST.replace(
      /^listen.*$/m,
      'listen: { tls: { certificate_file: a.crt, key_file: a.key } }',
    );
    const readFile = (path: string) => {
      throw new Error(`the file ${path} cannot be read`);
    };
    expect(faultsOf(text, { env: {}, readFile })).toEqual([
      {
        path: 'signer.key_encryption_key',
        message: 'the environment variable COUNTERSIGN_KEK is not set',
        line: 5,
      },
      {
        path: 'listen.tls.certificate_file',
        message: 'the file /etc/countersign/a.crt cannot be read',
        line: 4,
      },
      { path: 'listen.tls.key_file', message: 'the file /etc/countersign/a.key cannot be read', line: 4 },
    ]);
  });
});

describe('the key-encryption key', () => {
  it('comes from a file beside the configuration, without the newline at its end', () => {
    const text = LEAST.replace('{ env: COUNTERSIGN_KEK }', '{ file: ./kek }');
    const readFile = (path: string) => (path === '/etc/countersign/kek' ? `${KEK}\n` : '');
    expect(parse(text, { readFile }).signer.key_encryption_key.reveal()).toBe(KEK);
  });

  it('is refused when it stands in the file itself, without being shown', () => {
    const faults = faultsOf(LEAST.replace('{ env: COUNTERSIGN_KEK }', KEK));
    expect(faults).toMatchObject([{ path: 'signer.key_encryption_key', line: 5 }]);
    expect(JSON.stringify(faults)).not.toContain(KEK);
  });

  it('takes another key-encryption key beside it while that is replaced, and refuses the same one', () => {
    const withPrevious = (name: string) =>
      LEAST.replace(' } }', ` }, previous_key_encryption_key: { env: ${name} } }`);
    const { signer } = parse(withPrevious('COUNTERSIGN_PREVIOUS_KEK'));
    expect(signer.previous_key_encryption_key?.reveal()).toBe(PREVIOUS_KEK);
    const path = 'signer.previous_key_encryption_key';
    expect(faultsOf(withPrevious('COUNTERSIGN_KEK'))).toMatchObject([{ path }]);
    expect(faultsOf(withPrevious('NOT_SET'))).toMatchObject([{ path }]);
  });

  it.each([KEK.slice(1), `${KEK}=`, `${KEK}AA`, Buffer.alloc(32, 7).toString('hex'), `!${KEK}`])(
    'is refused as %j, without being shown',
    (value) => {
      const faults = faultsOf(LEAST, { env: { COUNTERSIGN_KEK: value } });
      expect(faults).toMatchObject([{ path: 'signer.key_encryption_key', line: 5 }]);
      expect(JSON.stringify(faults)).not.toContain(value);
    },
  );

  it('never shows when the configuration is printed', () => {
    const config = parse(LEAST);
    const shown = [
      printConfig(config),
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
    ];
    for (const text of [...shown, String(config.signer.key_encryption_key)]) {
      expect(text).not.toContain(KEK);
      expect(text).toContain('COUNTERSIGN_KEK');
    }
  });
});

describe('a printed configuration', () => {
  it('is itself a file that means the same', () => {
    const config = parse(LEAST);
    expect(printConfig(parse(printConfig(config)))).toBe(printConfig(config));
  });
});

describe('the example', () => {
  it('is the one that the schema gives (npx tsx scripts/write-example-config.ts)', () => {
    const written = readFileSync(new URL('../../countersign.example.yaml', import.meta.url), 'utf8');
    expect(written).toBe(renderExampleConfig());
  });

  it('is a valid configuration', () => {
    expect(parse(renderExampleConfig()).organization.name).toBe('Acme');
  });

  it('is valid with every optional key as well', () => {
    const keys = /^( *)# ([a-z_]+: .*)$/gm;
    const text = renderExampleConfig().replace(keys, (_, indent, line) => `${indent}${line}`);
    const everything = text.replace(
      /^ +(trusted_proxies|allowed_networks|witnesses|auditors|logs|file_folders): \[\]\n/gm,
      '',
    );
    expect(parse(everything).outbound).toMatchObject({
      allowed_networks: ['10.20.0.0/16'],
      ca_file: '/etc/countersign/tls/company-ca.pem',
      dns_servers: ['10.0.0.53', '10.0.1.53:5353'],
    });
  });
});

describe('the drivers for several replicas', () => {
  const shared = `${LEAST}
storage: { driver: postgres, url: { env: DATABASE_URL } }
cache: { driver: redis, url: { file: cache-url } }
`;
  const env = { ...surroundings.env, DATABASE_URL: 'postgresql://bridge:s3cret@db.example/bridge' };

  it('need two lines', () => {
    const { storage, cache } = parse(shared, { env });
    expect(storage).toMatchObject({ driver: 'postgres', pool_size: 10 });
    expect(cache).toMatchObject({
      driver: 'redis',
      topology: 'single',
      prefix: 'countersign:',
      timeout_ms: 1_000,
    });
  });

  it('show where their URLs come from, and never the URLs', () => {
    const config = parse(shared, { env });
    for (const text of [printConfig(config), inspect(config, { depth: 9, showHidden: true })]) {
      expect(text).not.toContain('s3cret');
      expect(text).toContain('DATABASE_URL');
    }
  });

  it('miss a URL as the file does that names it', () => {
    expect(faultsOf(shared)).toEqual([
      { path: 'storage.url', message: 'the environment variable DATABASE_URL is not set', line: 7 },
    ]);
  });

  it('are written in the example as an alternative that is valid', () => {
    const text = renderExampleConfig()
      .replace(/^ +(driver: (sqlite|memory)|path: .*)\n/gm, '')
      .replace(/^( +)#: /gm, '$1');
    const urls = { COUNTERSIGN_DATABASE_URL: 'postgresql://…', COUNTERSIGN_CACHE_URL: 'redis://…' };
    const { storage, cache } = parse(text, { env: { ...surroundings.env, ...urls } });
    expect([storage.driver, cache.driver]).toEqual(['postgres', 'redis']);
  });

  it.each(['{ topology: sentinel }', '{ topology: cluster, sentinel_group: mymaster }'])(
    'name a group of Sentinels where there are some, not as %s does',
    (part) => {
      const text = shared.replace('{ driver: redis,', `{ driver: redis, ${part.slice(2, -2)},`);
      expect(faultsOf(text, { env }).map(({ path }) => path)).toEqual(['cache.sentinel_group']);
    },
  );
});

describe('loading a configuration', () => {
  it('reads the file and takes its folder as the start of relative paths', () => {
    using folder = createTemporaryFolder();
    const path = folder.write('countersign.yaml', LEAST);
    expect(loadConfig({ path, env: surroundings.env }).storage).toEqual({
      driver: 'sqlite',
      path: `${folder.path}/data/countersign.db`,
    });
  });

  it('says that there is no such file', () => {
    using folder = createTemporaryFolder();
    expect(() => loadConfig({ path: `${folder.path}/none.yaml`, env: {} })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        faults: [{ path: 'none.yaml', message: `there is no such file in ${folder.path}; give --config` }],
      }),
    );
  });
});
