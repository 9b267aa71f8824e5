import type { Stage } from '../../demo/stage/stage.ts';
import type { WholeBridge } from './whole-bridge.ts';

/** The served OpenAPI document, as far as tests read it. */
export interface ApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
      }
    >
  >;
}

/** One endpoint of the document. `id` is method and path, as in `get /v1/me`. */
export interface Endpoint {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  readonly authentication: 'none' | 'device' | 'administrator' | 'receiver';
}

export async function readApiDocument(stage: Stage, { issuer }: WholeBridge): Promise<ApiDocument> {
  const response = await stage.fetch(`${issuer}/v1/openapi.json`);
  return (await response.json()) as ApiDocument;
}

export function endpointsOf({ paths }: ApiDocument): Endpoint[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      ...{ id: `${method} ${path}`, method, path, operation },
      authentication: authenticationOf(operation),
    })),
  );
}

function authenticationOf({ security = [] }: Operation): Endpoint['authentication'] {
  if (security.some((entry) => 'device' in entry)) return 'device';
  if (security.some((entry) => 'receiver' in entry)) return 'receiver';
  return security.some((entry) => 'administrator' in entry) ? 'administrator' : 'none';
}

/** Whether this path is one of the endpoint's. */
export function isPathOf({ path }: Endpoint, given: string): boolean {
  const [ours, theirs] = [path.split('/'), given.split('/')];
  return (
    ours.length === theirs.length &&
    ours.every((part, index) => part.startsWith('{') || part === theirs[index])
  );
}
