import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isMap, isScalar, LineCounter, parse, parseDocument, type YAMLMap } from 'yaml';
import * as z from 'zod';
import { configSchema } from '../../bridge/config/index.ts';
import { CHART } from './render-chart.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly additionalProperties?: boolean | Schema;
  readonly properties?: Record<string, Schema>;
  readonly [keyword: string]: unknown;
}

const VALUES = readFileSync(`${CHART}/values.yaml`, 'utf8');
const SCHEMA = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema;

/** Helm hands it to charts that are part of another: it is no value of ours. */
const OF_HELM = ['global'];

/** What the chart itself puts into countersign.yaml, from other values; `null`: always the same in a pod. */
const DERIVED: Record<string, string | null> = {
  'listen.port': null,
  'listen.tls.certificate_file': 'tls.existingSecret',
  'listen.tls.key_file': 'tls.existingSecret',
  'outbound.ca_file': 'outboundCa.existingConfigMap',
  'key_log.head_file': 'keyLog.headFile.existingClaim',
  'metrics.address': 'config.listen.address',
  'metrics.port': 'metrics.port',
};

/** Sections with a driver, whose keys `SOURCES` has. */
const DRIVEN = ['storage', 'cache', 'signer'];

/** Which value, or key of the Secret, each key of a driver comes from. */
const SOURCES: Record<string, Record<string, string | null>> = {
  'signer.local': {
    driver: null,
    key_encryption_key: 'secrets.keys.keyEncryptionKey',
    previous_key_encryption_key: 'secrets.keys.previousKeyEncryptionKey',
  },
  'storage.sqlite': { driver: 'storage.driver', path: null },
  'storage.postgres': {
    driver: 'storage.driver',
    url: 'secrets.keys.databaseUrl',
    tls: 'storage.postgres.tls',
    ca_file: 'storage.postgres.ca.existingConfigMap',
    pool_size: 'storage.postgres.poolSize',
  },
  'cache.memory': { driver: 'cache.driver' },
  'cache.redis': {
    driver: 'cache.driver',
    url: 'secrets.keys.cacheUrl',
    topology: 'cache.redis.topology',
    sentinel_group: 'cache.redis.sentinelGroup',
    sentinel_password: 'secrets.keys.sentinelPassword',
    ca_file: 'cache.redis.ca.existingConfigMap',
    prefix: 'cache.redis.prefix',
    timeout_ms: 'cache.redis.timeoutMs',
  },
};

function pathsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  const inner = Object.entries(value).flatMap(([key, child]) => pathsOf(child, `${path}.${key}`));
  return inner.length === 0 ? [path] : inner;
}

/** The leaves that a schema names; a map of free keys is a leaf. */
function leavesOf(schema: Schema, path = ''): string[] {
  if (schema.properties === undefined) return [path];
  return Object.entries(schema.properties).flatMap(([key, child]) =>
    leavesOf(resolve(child), `${path}.${key}`),
  );
}

function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const definitions = SCHEMA.definitions as Record<string, Schema>;
  return definitions[schema.$ref.replace('#/definitions/', '')] ?? {};
}

/** Every schema inside a schema, itself included. */
function everySchema(node: unknown): Schema[] {
  if (typeof node !== 'object' || node === null) return [];
  const inner = Object.values(node).flatMap(everySchema);
  return Array.isArray(node) ? inner : [node as Schema, ...inner];
}

/** Keys of the file that stand without a comment in the line above. */
function uncommented(text: string): string[] {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const lines = text.split('\n');
  const visit = (map: YAMLMap, path: string): string[] =>
    map.items.flatMap(({ key, value }) => {
      if (!isScalar(key) || key.range == null) return [];
      const here = path === '' ? String(key.value) : `${path}.${key.value}`;
      const above = lines[counter.linePos(key.range[0]).line - 2] ?? '';
      return [...(/^\s*#/.test(above) ? [] : [here]), ...(isMap(value) ? visit(value, here) : [])];
    });
  return isMap(document.contents) ? visit(document.contents, '') : [];
}

/** Values that there are not. */
function absentOf(paths: readonly (string | null)[]): string[] {
  const values = parseDocument(VALUES);
  return paths.flatMap((path) => (path === null || values.hasIn(path.split('.')) ? [] : [path]));
}

describe('the values of the chart', () => {
  it('have a comment each', () => {
    expect(uncommented(VALUES)).toEqual([]);
    expect(uncommented('# said\na:\n  b: 1\n')).toEqual(['a.b']);
  });

  it('are those that the schema knows, and no other', () => {
    const known = leavesOf(SCHEMA).filter((path) => !OF_HELM.includes(path.slice(1)));
    expect(pathsOf(parse(VALUES)).toSorted()).toEqual(known.toSorted());
  });

  it('cannot be misspelt: every object of the schema refuses unknown keys', () => {
    const open = everySchema(SCHEMA).filter(
      ({ properties, additionalProperties }) =>
        // A schema of properties named `properties` there is not: what has the keyword is an object.
        properties !== undefined && additionalProperties !== false,
    );
    expect(open).toEqual([]);
  });

  it('under config are the keys of countersign.yaml, but for what the chart derives', () => {
    const json = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
    const written = leavesOf(json).map((path) => path.slice(1));
    const expected = written.filter(
      (path) => !Object.hasOwn(DERIVED, path) && !DRIVEN.includes(path.split('.')[0] ?? ''),
    );
    const values = pathsOf(parse(VALUES).config).map((path) => path.slice(1));
    expect(values.toSorted()).toEqual(expected.toSorted());
  });

  it.each(Object.entries(SOURCES))('can set every key of %s', (store, sources) => {
    const [section = '', driver] = store.split('.');
    const json = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
    const variants = everySchema(json.properties?.[section]);
    const ours = variants.find(({ properties }) => properties?.driver?.const === driver);
    expect(Object.keys(sources).toSorted()).toEqual(Object.keys(ours?.properties ?? {}).toSorted());
    expect(absentOf(Object.values(sources))).toEqual([]);
  });

  it('can set every key of countersign.yaml, by one way or another', () => {
    const json = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
    const written = leavesOf(json).map((path) => path.slice(1));
    const named = pathsOf(parse(VALUES).config).map((path) => path.slice(1));
    const unreachable = written.filter(
      (path) => !named.includes(path) && !Object.hasOwn(DERIVED, path) && !DRIVEN.includes(path),
    );
    expect(unreachable).toEqual([]);
    expect(absentOf(Object.values(DERIVED))).toEqual([]);
    const drivers = DRIVEN.flatMap((section) =>
      everySchema(json.properties?.[section]).flatMap(({ properties }) =>
        properties?.driver?.const === undefined ? [] : [`${section}.${properties.driver.const}`],
      ),
    );
    expect(Object.keys(SOURCES).toSorted()).toEqual(drivers.toSorted());
  });
});
