import {
  type Answer,
  demand,
  eventIdIn,
  jsonOf,
  membersOf,
  openReceiver,
  type ReceivedRequest,
  type Receiver,
} from './receiver.ts';
import type { ReceiverNetwork } from './receiver-network.ts';

const LOGS = 1_000;
const BYTES = 5_000_000;
const OLDEST_MS = 18 * 3_600_000;

export interface DatadogIntake extends Receiver {
  readonly held: readonly string[];
  readonly logs: readonly Record<string, unknown>[];
}

/** `POST /api/v2/logs` of Datadog: it takes anything that is JSON, and counts. */
export async function openDatadogIntake(
  network: ReceiverNetwork,
  options: { apiKey: string },
): Promise<DatadogIntake> {
  const held: string[] = [];
  const logs: Record<string, unknown>[] = [];

  function handle(request: ReceivedRequest): Answer {
    demand(request.method === 'POST' && request.path === '/api/v2/logs', 'expected POST /api/v2/logs');
    if (request.headers['dd-api-key'] !== options.apiKey) {
      return { status: 403, body: '{"errors":[{"status":"403","title":"Forbidden"}]}' };
    }
    demand(request.headers['content-type'] === 'application/json', 'expected application/json');
    if (request.body.length > BYTES)
      return { status: 413, body: '{"errors":[{"title":"Payload too large"}]}' };
    const came = jsonOf(request.body);
    demand(Array.isArray(came) && came.length > 0, 'expected a list of logs');
    demand(came.length <= LOGS, `${came.length} logs at once`);
    for (const log of came) held.push(check(log));
    logs.push(...came);
    return { status: 202, body: '{}' };
  }

  const receiver = await openReceiver(network, 'intake.example.net', handle);
  return { ...receiver, held, logs };
}

function check(log: unknown): string {
  const texts = ['ddsource', 'ddtags', 'hostname', 'service', 'message'];
  const members = membersOf(log, texts, ['timestamp']);
  for (const name of texts) demand(typeof members[name] === 'string', `${name} is not text`);
  if (members.timestamp !== undefined) {
    demand(Number.isInteger(members.timestamp), 'timestamp is not in milliseconds');
    demand(Date.now() - Number(members.timestamp) < OLDEST_MS, 'timestamp is too long ago');
  }
  return eventIdIn(JSON.parse(String(members.message)));
}
