import type { EventBody } from '../events/event.ts';
import type { Metrics } from './metrics.ts';

const LOOK_UP_RESULTS = ['credential', 'revoked', 'revoked_pending', 'not_found', 'refused'] as const;

/** Counts what happened from the events of it: what is counted is what is on disk, and nothing else reports it. */
export function countEvents(metrics: Metrics, events: readonly EventBody[]): void {
  for (const event of events) {
    metrics.count('countersign_events_total', { type: event.type });
    countEvent(metrics, event);
  }
}

function countEvent(metrics: Metrics, event: EventBody): void {
  const code = event.code ?? 'none';
  switch (event.type) {
    case 'sign_in.succeeded':
    case 'sign_in.refused': {
      const protocol = typeof event.data.protocol === 'string' ? event.data.protocol : 'none';
      metrics.count('countersign_sign_ins_total', { protocol, outcome: event.outcome, code });
      break;
    }
    case 'enrolment.offered':
    case 'enrolment.confirmed':
    case 'enrolment.expired':
      metrics.count('countersign_enrolments_total', { step: event.type.slice('enrolment.'.length) });
      break;
    case 'look_up.answered':
      for (const result of LOOK_UP_RESULTS) {
        const labels = { asker: event.actor.kind, result };
        metrics.count('countersign_lookup_results_total', labels, Number(event.data[result] ?? 0));
      }
      break;
    case 'signal.received':
    case 'signal.refused': {
      const sender = event.subject.connection === undefined ? 'partner' : 'connection';
      metrics.count('countersign_signals_received_total', { sender, outcome: event.outcome, code });
      break;
    }
    case 'look_up.foreign':
      if (event.outcome === 'success') countPartner(metrics, event, 'answered');
      break;
    case 'partner.fault':
      if (event.data.operation === 'look-up') countPartner(metrics, event, code);
      break;
  }
}

function countPartner(metrics: Metrics, event: EventBody, outcome: string): void {
  metrics.count('countersign_partner_requests_total', { partner: event.subject.partner ?? 'none', outcome });
}
