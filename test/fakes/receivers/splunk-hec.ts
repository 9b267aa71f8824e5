import {
  type Answer,
  Breach,
  demand,
  eventIdIn,
  jsonOf,
  membersOf,
  openReceiver,
  type ReceivedRequest,
  type Receiver,
  type ReceiverPlace,
  utf8Of,
} from './receiver.ts';

const CHANNEL = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface HecReceiver extends Receiver {
  readonly held: readonly string[];
  /** Envelopes as they came. */
  readonly envelopes: readonly Record<string, unknown>[];
  refuse(eventId: string): void;
  /** Requests are indexed at once, or not before this is called with `true`. */
  index(now: boolean): void;
  /** Loses what it took and has not indexed, as an indexer does that dies. */
  loseUnindexed(): void;
  /** Forgets its channels, as one that is started anew does: what was not indexed is lost, and numbers begin at 0. */
  restart(): void;
}

/** The HTTP Event Collector of Splunk 9, as its reference has it: what is indexed counts as held. */
export async function openHecReceiver(
  network: ReceiverPlace,
  options: { token: string; acknowledgement: boolean; port?: number },
): Promise<HecReceiver> {
  const held: string[] = [];
  const envelopes: Record<string, unknown>[] = [];
  const refused = new Set<string>();
  const channels = new Map<string, Map<number, { ids: string[]; indexed: boolean }>>();
  let indexing = true;

  function handle(request: ReceivedRequest): Answer {
    demand(request.method === 'POST', 'expected POST');
    const { authorization } = request.headers;
    if (authorization === undefined) return answer(401, 2, 'Token is required');
    if (!/^Splunk \S+$/.test(authorization)) return answer(401, 3, 'Invalid authorization');
    if (authorization !== `Splunk ${options.token}`) return answer(403, 4, 'Invalid token');
    if (request.path === '/services/collector/ack') return acknowledge(request);
    demand(request.path === '/services/collector/event', `no such path: ${request.path}`);
    return take(request);
  }

  function take(request: ReceivedRequest): Answer {
    const channel = request.headers['x-splunk-request-channel'];
    if (options.acknowledgement && channel === undefined) return answer(400, 10, 'Data channel is missing');
    if (channel !== undefined) demand(CHANNEL.test(String(channel)), 'the channel is not a GUID');
    const came = envelopesIn(utf8Of(request.body));
    if (came.length === 0) return answer(400, 5, 'No data');
    const ids = came.map(checkEnvelope);
    const bad = ids.findIndex((id) => refused.has(id));
    if (bad !== -1) {
      // Splunk takes what stands before it, and says so nowhere.
      held.push(...ids.slice(0, bad));
      return answer(400, 6, 'Invalid data format', { 'invalid-event-number': bad });
    }
    envelopes.push(...came);
    if (!options.acknowledgement) {
      held.push(...ids);
      return answer(200, 0, 'Success');
    }
    const requests = channels.get(String(channel)) ?? new Map();
    channels.set(String(channel), requests);
    const ackId = requests.size;
    requests.set(ackId, { ids, indexed: indexing });
    if (indexing) held.push(...ids);
    return answer(200, 0, 'Success', { ackId });
  }

  function acknowledge(request: ReceivedRequest): Answer {
    if (!options.acknowledgement) return answer(400, 14, 'ACK is disabled');
    const channel = request.headers['x-splunk-request-channel'];
    if (channel === undefined) return answer(400, 10, 'Data channel is missing');
    const { acks } = membersOf(jsonOf(request.body), ['acks']);
    demand(Array.isArray(acks) && acks.every(Number.isInteger), 'acks is not a list of numbers');
    const requests = channels.get(String(channel));
    const told = acks.map((id: number) => [id, requests?.get(id)?.indexed === true] as const);
    // Told once, forgotten then.
    for (const [id, indexed] of told) if (indexed) requests?.set(id, { ids: [], indexed: false });
    return { status: 200, body: JSON.stringify({ acks: Object.fromEntries(told) }) };
  }

  const receiver = await openReceiver(network, 'splunk.example.net', handle, { port: options.port });
  return {
    ...receiver,
    held,
    envelopes,
    refuse: (eventId) => void refused.add(eventId),
    index(now) {
      indexing = now;
      if (!now) return;
      for (const request of [...channels.values()].flatMap((requests) => [...requests.values()])) {
        if (!request.indexed) held.push(...request.ids);
        request.indexed = request.ids.length > 0;
      }
    },
    restart: () => channels.clear(),
    loseUnindexed() {
      for (const requests of channels.values()) {
        for (const [id, { indexed }] of requests) if (!indexed) requests.set(id, { ids: [], indexed: false });
      }
    },
  };
}

function answer(status: number, code: number, text: string, more: object = {}): Answer {
  const headers = { 'content-type': 'application/json; charset=UTF-8' };
  return { status, headers, body: JSON.stringify({ text, code, ...more }) };
}

/** JSON objects one after another, nothing but white space between them: braces are counted outside of strings. */
function envelopesIn(text: string): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === '{') {
      if (depth === 0) start = at;
      depth += 1;
    } else if (char === '}') {
      depth -= 1;
      if (depth === 0) found.push(JSON.parse(text.slice(start, at + 1)));
    } else if (depth === 0) demand(/\s/.test(char ?? ''), 'something stands between the events');
  }
  demand(depth === 0, 'the last event has no end');
  return found;
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  throw new Breach('a string has no end');
}

function checkEnvelope(envelope: Record<string, unknown>): string {
  const texts = ['host', 'source', 'sourcetype'];
  membersOf(envelope, ['time', 'event', ...texts], ['index', 'fields']);
  demand(typeof envelope.time === 'number', 'time is not a number');
  // Milliseconds are a thousand times as many. What time it is by the sender’s clock is not asked: a test sets that.
  demand(envelope.time > 1e9 && envelope.time < 1e11, 'time is not in seconds');
  for (const name of texts) demand(typeof envelope[name] === 'string', `${name} is not text`);
  const { event } = envelope;
  demand(typeof event === 'string' ? event !== '' : typeof event === 'object' && event !== null, 'no event');
  return typeof event === 'string' ? idInText(event) : eventIdIn(event);
}

/** Of CEF, which has it as `externalId`. */
function idInText(text: string): string {
  return / externalId=(\S+)/.exec(text)?.[1] ?? text;
}
