import { createHash } from 'node:crypto';
import { newId } from '../../bridge/lib/ids.ts';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';

/** Texts that break a frame, forge a field or a second event where somebody forgets to escape them. */
export const HOSTILE_TEXTS: readonly string[] = [
  'a\r\nb\nc\rd',
  '{"event_id":"forged"}\n{"create":{"_id":"forged"}}\n',
  '"},{"event_id":"forged"',
  '\u0000\u0001\u001b[31m\u007f\u0085\u2028\u2029',
  '"\\]|=,;\'`<>&',
  'lone \ud800 and \udc00 surrogates',
  '\ufeffbom',
  '12 <13>1 2026-01-01T00:00:00Z forged - - - - x',
  `CEF:0|a|b|c|d|e|9|x=y|${'long '.repeat(13_000)}`,
];

/** Events as a bridge makes them, numbered from `from`. */
export function makeEvents(count: number, from = 1, text = 'Alice’s laptop'): SinkEvent[] {
  return Array.from({ length: count }, (_, index) => makeEvent(from + index, text));
}

function makeEvent(seq: number, text: string): SinkEvent {
  return {
    v: 1,
    seq,
    event_id: newId(),
    time: new Date().toISOString(),
    type: 'device.added',
    actor: { kind: 'person', id: 'prs_1', address: 'alice@acme.example' },
    subject: { kind: 'device', id: 'dev_1' },
    outcome: 'success',
    code: null,
    request_id: newId(),
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    data: { name: text },
    prev: hash(seq - 1),
    hash: hash(seq),
  };
}

function hash(seq: number): string {
  return createHash('sha256').update(String(seq)).digest('base64url');
}
