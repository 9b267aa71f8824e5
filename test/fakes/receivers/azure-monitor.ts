import {
  type Answer,
  demand,
  jsonOf,
  membersOf,
  openReceiver,
  type ReceivedRequest,
  type Receiver,
  utf8Of,
} from './receiver.ts';
import type { ReceiverNetwork } from './receiver-network.ts';

const BYTES = 1_048_576;

export interface AzureMonitor extends Receiver {
  readonly held: readonly string[];
  readonly rows: readonly Record<string, unknown>[];
  readonly tokensIssued: number;
  /** All tokens issued so far are worth nothing any more. */
  withdrawTokens(): void;
}

export interface AzureOptions {
  readonly tenant: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly rule: string;
  readonly stream: string;
}

/** The Logs Ingestion API (2023-01-01), and Entra's token endpoint at the same address. */
export async function openAzureMonitor(
  network: ReceiverNetwork,
  options: AzureOptions,
): Promise<AzureMonitor> {
  const held: string[] = [];
  const rows: Record<string, unknown>[] = [];
  const valid = new Set<string>();
  let issued = 0;

  function issue(request: ReceivedRequest): Answer {
    const type = request.headers['content-type'] ?? '';
    demand(type.startsWith('application/x-www-form-urlencoded'), 'expected a form');
    const form = Object.fromEntries(new URLSearchParams(utf8Of(request.body)));
    demand(form.grant_type === 'client_credentials', 'expected client_credentials');
    if (form.scope !== 'https://monitor.azure.com/.default') return oauthError(400, 'invalid_scope');
    if (form.client_id !== options.clientId) return oauthError(400, 'unauthorized_client');
    if (form.client_secret !== options.clientSecret) return oauthError(401, 'invalid_client');
    issued += 1;
    const token = `eyJ0eXAiOiJKV1QifQ.entra-token-${issued}.sig`;
    valid.add(token);
    return json(200, { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token });
  }

  function ingest(request: ReceivedRequest): Answer {
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    if (!valid.has(token)) return azureError(401, 'AuthenticationTokenExpired');
    const [, rule, stream] = /^\/dataCollectionRules\/([^/]+)\/streams\/([^/]+)$/.exec(request.path) ?? [];
    demand(rule !== undefined, `no such path: ${request.path}`);
    demand(request.query.get('api-version') === '2023-01-01', 'expected an api-version');
    if (rule !== options.rule) return azureError(404, 'NotFound');
    if (stream !== options.stream) return azureError(400, 'InvalidStream');
    demand(request.headers['content-type'] === 'application/json', 'expected application/json');
    if (request.body.length > BYTES) return azureError(413, 'ContentLengthLimitExceeded');
    const came = jsonOf(request.body);
    demand(Array.isArray(came) && came.length > 0, 'expected a list of rows');
    for (const row of came) {
      const columns = membersOf(row, [
        ...['TimeGenerated', 'EventId', 'Seq', 'EventType', 'Outcome', 'Code', 'Event'],
      ]);
      demand(!Number.isNaN(Date.parse(String(columns.TimeGenerated))), 'TimeGenerated is not a time');
      demand(typeof columns.Event === 'object' && columns.Event !== null, 'Event is not dynamic');
      held.push(String(columns.EventId));
      rows.push(columns);
    }
    return { status: 204 };
  }

  const receiver = await openReceiver(network, 'ingest.example.net', (request) => {
    demand(request.method === 'POST', 'expected POST');
    return request.path === `/${options.tenant}/oauth2/v2.0/token` ? issue(request) : ingest(request);
  });
  return {
    ...receiver,
    held,
    rows,
    get tokensIssued() {
      return issued;
    },
    withdrawTokens: () => valid.clear(),
  };
}

function json(status: number, body: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function oauthError(status: number, error: string): Answer {
  return json(status, { error, error_description: `AADSTS: ${error}` });
}

function azureError(status: number, code: string): Answer {
  return json(status, { error: { code, message: `refused: ${code}` } });
}
