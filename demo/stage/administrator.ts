import { StoryFault } from '../finding.ts';

/** The administrator of one bridge: the admin API over HTTPS, with the token that the one-time link gave. */
export interface Administrator {
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, body?: unknown): Promise<Answer>;
  patch<Answer>(path: string, body: unknown): Promise<Answer>;
  put<Answer>(path: string, body: unknown): Promise<Answer>;
  /** The text of an answer that is no JSON document. */
  text(path: string): Promise<string>;
  /** What the bridge refuses this with; it must refuse. */
  refusal(path: string, body: unknown): Promise<Problem>;
}

/** An `application/problem+json` answer. */
export interface Problem {
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
}

/** Takes the one-time link, as `countersign admin bootstrap` does. */
export async function bootstrapAdministrator(
  issuer: string,
  link: string,
  fetchNamed: typeof fetch,
  name = 'Demo administrator',
): Promise<Administrator> {
  const secret = new URL(link).hash.slice(1);
  const response = await fetchNamed(`${issuer}/admin/v1/bootstrap`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: secret, name }),
  });
  const { token } = (await answerOf(response, 'POST /admin/v1/bootstrap')) as { token: string };
  return administratorWith(issuer, token, fetchNamed);
}

function administratorWith(issuer: string, token: string, fetchNamed: typeof fetch): Administrator {
  const request = (method: string, path: string, body?: unknown) =>
    fetchNamed(issuer + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const call = async <Answer>(method: string, path: string, body?: unknown) =>
    (await answerOf(await request(method, path, body), `${method} ${path}`)) as Answer;

  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    patch: (path, body) => call('PATCH', path, body),
    put: (path, body) => call('PUT', path, body),
    async text(path) {
      const response = await request('GET', path);
      if (!response.ok) throw await refused(response, `GET ${path}`);
      return response.text();
    },
    async refusal(path, body) {
      const response = await request('POST', path, body);
      if (response.ok) throw new StoryFault(`POST ${path} was to be refused, but was taken`);
      return (await response.json()) as Problem;
    },
  };
}

async function answerOf(response: Response, what: string): Promise<unknown> {
  if (!response.ok) throw await refused(response, what);
  return response.status === 204 ? undefined : response.json();
}

async function refused(response: Response, what: string): Promise<StoryFault> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const why = problem.detail ?? problem.title ?? '';
  return new StoryFault(`${what} answered ${response.status} ${problem.code ?? ''}: ${why}`);
}
