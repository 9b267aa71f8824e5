import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { eventGenesis, eventHash, type StoredEvent } from '../../bridge/events/event.ts';
import { type Finding, finding, must } from '../finding.ts';
import type { Company } from '../stage/company.ts';
import { fetchEvents } from '../stage/fetch-events.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';

export const readEventLogs: Step = {
  name: 'read-event-logs',
  title: 'Both companies’ event logs tell the same story',
  story:
    'Every change was written into the event log in the same transaction as the change itself, and each event holds ' +
    'the hash of the one before it. The administrators fetch their logs and recompute the chain; then the logs are ' +
    'held against the steps above, and Acme’s against what its SIEM got.',
  async run(stage) {
    const acme = await readLog(stage, stage.acme.get());
    const globex = await readLog(stage, stage.globex.get());
    for (const [company, log] of [
      ['acme', acme],
      ['globex', globex],
    ] as const) {
      for (const [step, type] of EXPECTED[company]) {
        must(happened(stage, log.events, step, type), `${company}’s log has no ${type} of ${step}`);
      }
    }
    return [
      finding('Acme’s log', `${acme.events.length} events, chain verified, head ${acme.head}`),
      finding('Globex’s log', `${globex.events.length} events, chain verified, head ${globex.head}`),
      finding('Acme’s SIEM', await arrivedAtSiem(stage, acme.events)),
      ...[...stage.ran.keys()].flatMap((step) => perStep(stage, step, acme.events, globex.events)),
    ];
  },
};

/** What must stand in the logs: [step, type of event]. */
const EXPECTED: Readonly<Record<'acme' | 'globex', readonly (readonly [string, string])[]>> = {
  acme: [
    ['start-bridges', 'admin.bootstrapped'],
    ['connect-single-sign-on', 'connection.activated'],
    ['prove-domains', 'domain.verified'],
    ['approve-partners', 'partner.approved'],
    ['enrol-through-oidc', 'sign_in.succeeded'],
    ['enrol-through-oidc', 'statement.published'],
    ['look-up-across-companies', 'look_up.foreign'],
    ['add-device', 'device.added'],
    ['meet-across-companies', 'group.created'],
    ['meet-across-companies', 'meeting.rekeyed'],
    ['keep-transcript', 'key.sealed'],
    ['close-account', 'look_up.foreign'],
    ['attack-substituted-key', 'look_up.foreign'],
    ['attack-foreign-domain', 'partner.fault'],
    ['watch-each-other', 'bridge.started'],
    ['feed-the-siem', 'sink.created'],
    ['attack-added-key', 'person.reset'],
    ['attack-added-key', 'key.unrecognized'],
    ['attack-two-histories', 'log.split_view_seen'],
  ],
  globex: [
    ['start-bridges', 'admin.bootstrapped'],
    ['connect-single-sign-on', 'connection.activated'],
    ['prove-domains', 'domain.verified'],
    ['approve-partners', 'partner.approved'],
    ['enrol-through-saml', 'sign_in.succeeded'],
    ['enrol-through-saml', 'statement.published'],
    ['look-up-across-companies', 'look_up.answered'],
    ['meet-across-companies', 'key.opened'],
    ['keep-transcript', 'key.opened'],
    ['close-account', 'person.closed'],
    ['close-account', 'statement.revoked'],
    ['attack-substituted-key', 'bridge.stopped'],
    ['attack-replayed-response', 'sign_in.refused'],
  ],
};

interface ReadLog {
  readonly events: readonly StoredEvent[];
  readonly head: string;
}

/** Fetches the whole log, recomputes its chain, and keeps a copy in the story's folder. */
async function readLog(stage: Stage, company: Company): Promise<ReadLog> {
  const events = await fetchEvents(company);
  await writeFile(
    join(stage.folder, 'logs', `${company.key}-events.ndjson`),
    events.map((event) => `${JSON.stringify(event)}\n`).join(''),
  );
  return { events, head: verifiedHead(company, events) };
}

/** Each event follows the one before it, and the first belongs to this bridge; answers the last hash. */
function verifiedHead(company: Company, events: readonly StoredEvent[]): string {
  let head = eventGenesis(company.issuer);
  for (const [index, event] of events.entries()) {
    const { hash, ...hashed } = event;
    must(event.seq === index + 1, `${company.name}’s log has a gap before event ${event.seq}`);
    must(event.prev === head, `event ${event.seq} of ${company.name} does not follow the one before it`);
    must(eventHash(hashed) === hash, `event ${event.seq} of ${company.name} was changed`);
    head = hash;
  }
  return head;
}

/** The SIEM has the same events, in the same order, and had them soon. */
async function arrivedAtSiem(stage: Stage, log: readonly StoredEvent[]): Promise<string> {
  const siem = stage.siem.get();
  const last = log.length;
  await siem.awaitEvent(({ seq }) => seq >= last, `event ${last}`);
  const arrived = siem.arrived.filter(({ event }) => event.seq > 0 && event.seq <= last);
  must(
    isDeepStrictEqual(
      arrived.map(({ event }) => event),
      log,
    ),
    'Acme’s SIEM got other events than Acme’s log has',
  );
  const since = stage.ran.get('feed-the-siem')?.to ?? 0;
  const took = arrived
    .map(({ event, at }) => ({ happened: Date.parse(event.time), at }))
    .filter(({ happened }) => happened > since)
    .map(({ happened, at }) => at - happened)
    .toSorted((a, b) => a - b);
  const half = took[Math.floor(took.length / 2)];
  return `the same ${last} events in the same order; half of them within ${half} ms, the last after ${took.at(-1)} ms`;
}

function during(stage: Stage, events: readonly StoredEvent[], step: string): readonly StoredEvent[] {
  const ran = stage.ran.get(step);
  if (ran === undefined) return [];
  return events.filter(({ time }) => Date.parse(time) >= ran.from && Date.parse(time) <= ran.to);
}

function happened(stage: Stage, events: readonly StoredEvent[], step: string, type: string): boolean {
  return during(stage, events, step).some((event) => event.type === type);
}

/** One line per step and company: what its log says happened then. */
function perStep(
  stage: Stage,
  step: string,
  acme: readonly StoredEvent[],
  globex: readonly StoredEvent[],
): Finding[] {
  const said = [
    ['Acme', during(stage, acme, step)],
    ['Globex', during(stage, globex, step)],
  ] as const;
  return said
    .filter(([, events]) => events.length > 0)
    .map(([name, events], index) =>
      finding(index === 0 ? step : '', `${name.padEnd(6)}  ${summary(events)}`),
    );
}

/** Types with how often, refusals with their code. */
function summary(events: readonly StoredEvent[]): string {
  const counts = new Map<string, number>();
  for (const { type, code } of events) {
    const name = code === null ? type : `${type} (${code})`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count}×${name}`)).join(', ');
}
