import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { apiRoutes } from '../../bridge/http/routes/table.ts';
import { ERRORS, parseErrorCode } from '../../protocol/errors.ts';
import {
  type ApiDocument,
  type Endpoint,
  endpointsOf,
  isPathOf,
  type JsonSchema,
  readApiDocument,
} from './api-document.ts';
import { type Cast, playMainFlow } from './main-flow.ts';
import { startTwoCompanies, type TwoCompanies } from './two-companies.ts';

let companies: TwoCompanies;
let cast: Cast;
let document: ApiDocument;
let endpoints: readonly Endpoint[];

beforeAll(async () => {
  companies = await startTwoCompanies('offered');
  cast = await playMainFlow(companies);
  document = await readApiDocument(companies.stage, companies.acme.bridge);
  endpoints = endpointsOf(document);
});
afterAll(() => companies?.close());

/** The schema of an answer, or undefined where the document names none. */
function answerSchema({ operation }: Endpoint, status: number): JsonSchema | undefined {
  return operation.responses[status]?.content?.['application/json']?.schema;
}

function expectToFit(schema: JsonSchema, answer: unknown, what: string): void {
  const { error } = z.fromJSONSchema(schema as never).safeParse(answer);
  expect(error === undefined ? [] : error.issues, what).toEqual([]);
}

/** Where others push security event tokens. */
const TAKES_TOKENS = new Set(['post /federation/v1/signals', 'post /signals/v1/connections/{connection}']);

describe('the served OpenAPI document', () => {
  it('is OpenAPI 3.1 of this bridge', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({
      title: 'Countersign',
      version: expect.stringMatching(/^\d+\.\d+/),
    });
    expect(document.servers).toEqual([{ url: companies.acme.bridge.issuer }]);
  });

  it('has every route of the table', () => {
    // The routes only close over what they are given: to list them nothing is needed.
    const table = apiRoutes(
      new Proxy({ issuer: 'https://x', version: '0' }, { get: () => () => undefined }) as never,
    );
    const ids = table.map(({ method, path }) => `${method} ${path.replaceAll(/[:*]([a-z_]+)/g, '{$1}')}`);
    const itself = 'get /v1/openapi.json';
    expect(ids.filter((id) => id !== itself).sort()).toEqual(endpoints.map(({ id }) => id).sort());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('declares each parameter of a path, once', () => {
    for (const { id, path, operation } of endpoints) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(
        declared.map(({ name }) => name),
        id,
      ).toEqual(inPath);
      expect(
        declared.every(({ required }) => required),
        id,
      ).toBe(true);
    }
  });

  it('names a summary, a success and the errors of each operation, by codes that there are', () => {
    for (const { id, operation, authentication } of endpoints) {
      expect(operation.summary, id).not.toBe('');
      const statuses = Object.keys(operation.responses);
      expect(
        statuses.filter((status) => status.startsWith('2')),
        id,
      ).toHaveLength(1);
      for (const status of statuses.filter((each) => !each.startsWith('2'))) {
        const { description = '', content = {} } = operation.responses[status] ?? {};
        const codes = [...description.matchAll(/`(\w+)`/g)].map(([, name = '']) => parseErrorCode(name));
        expect(codes.length, `${id} ${status}`).toBeGreaterThan(0);
        // RFC 8935 has its own form for what is wrong with a token, and one status; what may be right later is 503.
        if (TAKES_TOKENS.has(id) && ['400', '401', '503'].includes(status)) continue;
        for (const code of codes) expect(code && ERRORS[code].status, `${id} ${status}`).toBe(Number(status));
        expect(Object.keys(content), id).toEqual(['application/problem+json']);
      }
      if (TAKES_TOKENS.has(id)) continue;
      expect(statuses.includes('401'), id).toBe(authentication !== 'none');
      expect(statuses.includes('413'), id).toBe(operation.requestBody !== undefined);
    }
  });

  it('refers only to schemas that it has, and to security that it describes', () => {
    const references = [
      ...JSON.stringify(document.paths).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g),
    ];
    for (const [, name = ''] of references) expect(document.components.schemas).toHaveProperty(name);
    const schemes = endpoints.flatMap(({ operation }) => (operation.security ?? []).flatMap(Object.keys));
    for (const name of schemes) expect(document.components.securitySchemes).toHaveProperty(name);
  });
});

/** Who has no token here; receivers of signals have tests of their own. */
const OF_OTHERS: ReadonlySet<Endpoint['authentication']> = new Set(['device', 'receiver']);

describe('what the bridge answers', () => {
  it('fits the document, all through the main flow', () => {
    const { exchanges } = companies.acme.traffic;
    const seen = new Set<string>();
    for (const { method, path, status, mediaType, answer } of exchanges) {
      const endpoint = endpoints.find((each) => each.method === method && isPathOf(each, path));
      if (endpoint === undefined) continue;
      const what = `${endpoint.id} ${status}`;
      const described = endpoint.operation.responses[status];
      expect(described, what).toBeDefined();
      if (described?.content !== undefined) expect(Object.keys(described.content), what).toContain(mediaType);
      const schema = answerSchema(endpoint, status);
      if (schema !== undefined) expectToFit(schema, JSON.parse(answer), what);
      if (status < 300) seen.add(endpoint.id);
    }
    // A stream stays open; its events are no JSON document.
    const ofClients = endpoints.filter(
      ({ authentication, operation }) =>
        authentication === 'device' && operation.responses[200]?.content?.['text/event-stream'] === undefined,
    );
    expect([...seen].filter((id) => id.includes('/v1/')).sort()).toEqual(
      ofClients.map(({ id }) => id).sort(),
    );
  });

  it('fits the document where an administrator or anybody reads', async () => {
    const { bridge } = companies.acme;
    const { sub } = await cast.ada.client.me();
    const filled: Readonly<Record<string, string>> = { connection: 'work', sub };
    await bridge.administrator.post('/admin/v1/signals/transmitters', {
      ...{
        connection: 'work',
        issuer: 'https://ssf.acme.example',
        jwks_uri: 'https://ssf.acme.example/jwks',
      },
    });
    let checked = 0;
    for (const endpoint of endpoints.filter(({ method }) => method === 'get')) {
      const schema = answerSchema(endpoint, 200);
      const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (whole, name: string) => filled[name] ?? whole);
      if (schema === undefined || path.includes('{') || OF_OTHERS.has(endpoint.authentication)) continue;
      // What must be asked for beside the path, its own tests ask for.
      if (endpoint.operation.parameters.some(({ in: where, required }) => where === 'query' && required))
        continue;
      expectToFit(schema, await bridge.administrator.get(path), endpoint.id);
      checked += 1;
    }
    expect(checked).toBeGreaterThan(8);
  });

  it('fits the document where it is a problem', async () => {
    const response = await companies.stage.fetch(`${companies.acme.bridge.issuer}/v1/me`);
    const { Problem } = document.components.schemas;
    expectToFit(Problem ?? {}, await response.json(), 'problem');
  });
});
