import * as z from 'zod';
import { type Problem, problemSchema } from '../../protocol/api.ts';
import { readCredentials } from './credentials.ts';
import type { Terminal } from './terminal.ts';

/** The bridge refused what it was asked. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/** The bridge could not be asked. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** The admin API. What comes back is held against the schema that the caller expects. */
export interface ApiClient {
  get<Schema extends z.core.$ZodType>(path: string, schema: Schema): Promise<z.output<Schema>>;
  text(path: string): Promise<string>;
  bytes(path: string): Promise<Uint8Array>;
  /** With the `Link` header, where there is one. */
  page(path: string): Promise<{ text: string; link: string | null }>;
  /** Server-sent events, until the bridge ends them. */
  stream(path: string): Promise<ReadableStream<Uint8Array>>;
  send<Schema extends z.core.$ZodType>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    schema: Schema,
    body?: unknown,
  ): Promise<z.output<Schema>>;
}

/** The answer of endpoints that answer nothing. */
export const nothing = z.undefined();

/** The client for the bridge that the terminal's credentials name. */
export async function openApi(terminal: Terminal): Promise<ApiClient> {
  return createApiClient(terminal, await readCredentials(terminal));
}

export function createApiClient(
  { fetch }: Pick<Terminal, 'fetch'>,
  { url, token }: { url: string; token?: string },
): ApiClient {
  async function request(method: string, path: string, body?: unknown, accept?: string): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(url + path, {
        method,
        redirect: 'error',
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(accept === undefined ? {} : { accept }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      throw new Unreachable(unreachable(url, cause), { cause });
    }
    if (!response.ok) throw await problemOf(response, url);
    return response;
  }

  async function answer<Schema extends z.core.$ZodType>(response: Response, schema: Schema) {
    const value: unknown = response.status === 204 ? undefined : await response.json();
    const parsed = z.safeParse(schema, value);
    if (!parsed.success) throw new Unreachable(`${url} answered in a form that this version does not know.`);
    return parsed.data;
  }

  return {
    get: async (path, schema) => answer(await request('GET', path), schema),
    text: async (path) => (await request('GET', path)).text(),
    bytes: async (path) => new Uint8Array(await (await request('GET', path)).arrayBuffer()),
    async page(path) {
      const response = await request('GET', path);
      return { text: await response.text(), link: response.headers.get('link') };
    },
    async stream(path) {
      const { body } = await request('GET', path, undefined, 'text/event-stream');
      if (body === null) throw new Unreachable(`${url} answered without a stream.`);
      return body;
    },
    send: async (method, path, schema, body) => answer(await request(method, path, body), schema),
  };
}

async function problemOf(response: Response, url: string): Promise<Error> {
  const problem = problemSchema.safeParse(await response.json().catch(() => undefined));
  if (problem.success) return new ApiProblem(problem.data);
  return new Unreachable(
    `${url} answered with status ${response.status}, but not as a Countersign bridge does.`,
  );
}

function unreachable(url: string, cause: unknown): string {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = reason instanceof Error && 'code' in reason ? String(reason.code) : '';
  if (/CERT|SELF_SIGNED|ISSUER|ALTNAME|VERIFY/.test(code)) {
    return (
      `The certificate of ${url} is not trusted (${code}). If a company’s own authority issued it, set ` +
      'NODE_EXTRA_CA_CERTS to that authority’s certificate (PEM).'
    );
  }
  return `${url} cannot be reached${code === '' ? '' : ` (${code})`}. Is the bridge running, and the URL right?`;
}
