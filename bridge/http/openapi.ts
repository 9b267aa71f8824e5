import * as z from 'zod';
import { problemSchema } from '../../protocol/api.ts';
import { CountersignError, ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import { problemOf } from './problem.ts';
import { defineRoute, type Route } from './route.ts';

/** The OpenAPI 3.1 document of the given routes: the same schemas that parse the requests. */
export function openApiDocument(
  routes: readonly Route[],
  server: { issuer: string; version: string },
): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/[:*]([a-z_]+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Countersign',
      version: server.version,
      license: { name: 'AGPL-3.0-only', identifier: 'AGPL-3.0-only' },
    },
    servers: [{ url: server.issuer }],
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemSchema, 'output') },
      securitySchemes: {
        device: { type: 'http', scheme: 'DPoP', description: 'A DPoP-bound access token (RFC 9449).' },
        administrator: { type: 'http', scheme: 'bearer', description: 'An administrator’s token.' },
        receiver: { type: 'http', scheme: 'bearer', description: 'The token of a receiver of signals.' },
      },
    },
  };
}

/** Serves the document of all other routes; it is written when it is first asked for. */
export function openApiRoute(routes: readonly Route[], server: { issuer: string; version: string }): Route {
  let document: unknown;
  return defineRoute({
    method: 'get',
    path: '/v1/openapi.json',
    summary: 'This API, as an OpenAPI 3.1 document',
    tag: 'health',
    authentication: 'none',
    response: { status: 200, description: 'The document' },
    errors: [],
    handle: async () => {
      document ??= openApiDocument(routes, server);
      return { body: document };
    },
  });
}

function operation(route: Route): unknown {
  const { body, response } = route;
  return {
    summary: route.summary,
    tags: [route.tag],
    ...(route.authentication === 'none' ? {} : { security: [{ [route.authentication]: [] }] }),
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { [body.mediaType ?? 'application/json']: { schema: jsonSchema(body.schema, 'input') } },
          },
        }),
    responses: {
      [response.status]: {
        description: response.description,
        ...(response.schema === undefined && response.mediaType === undefined
          ? {}
          : {
              content: {
                [response.mediaType ?? 'application/json']: {
                  schema: response.schema === undefined ? {} : jsonSchema(response.schema, 'output'),
                },
                ...(response.streams === true ? { 'text/event-stream': { schema: {} } } : {}),
              },
            }),
      },
      ...errorResponses(route),
    },
  };
}

function errorResponses(route: Route): Record<string, unknown> {
  const byStatus = new Map<number, { codes: Set<ErrorCode>; content: object }>();
  for (const code of [...route.errors, ...standingErrors(route)]) {
    const problem = problemOf(new CountersignError(code), { requestId: '' });
    const form = route.errorForm?.(problem);
    const { status } = form ?? problem;
    const known = byStatus.get(status) ?? {
      codes: new Set(),
      content: form === undefined ? PROBLEM : JSON_ERROR,
    };
    byStatus.set(status, known);
    known.codes.add(code);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, { codes, content }]) => [
      status,
      { description: [...codes].map((code) => `\`${code}\`: ${ERRORS[code].title}`).join(' '), content },
    ]),
  );
}

const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
const JSON_ERROR = { 'application/json': { schema: {} } };

/** What every route of a kind may answer. */
function standingErrors(route: Route): ErrorCode[] {
  const ofBody: ErrorCode[] = ['malformed_request', 'payload_too_large', 'unsupported_media_type'];
  const ofDevice: ErrorCode[] = ['unauthenticated', 'dpop_invalid', 'replayed', 'forbidden'];
  return [
    ...(route.body === undefined ? [] : ofBody),
    ...(route.authentication === 'device' ? ofDevice : []),
    ...(route.authentication === 'administrator' ? (['unauthenticated', 'forbidden'] as const) : []),
    ...(route.authentication === 'receiver' ? (['unauthenticated'] as const) : []),
    ...(isDecided(route) ? (['policy_unavailable'] as const) : []),
    'rate_limited',
    'internal',
  ];
}

function isDecided({ authentication, tag }: Route): boolean {
  return (authentication !== 'none' && authentication !== 'receiver') || tag === 'federation';
}

function pathParameters(path: string): unknown[] {
  return [...path.matchAll(/[:*]([a-z_]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: Route['query']): unknown[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(query, 'input') as {
    properties?: Record<string, unknown>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function jsonSchema(schema: z.core.$ZodType, io: 'input' | 'output'): Record<string, unknown> {
  return z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' });
}
