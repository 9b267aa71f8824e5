import { setTimeout as pause } from 'node:timers/promises';
import { eventGenesis, eventHash } from '../../bridge/events/event.ts';
import { type Finding, finding, must, StoryFault } from '../finding.ts';
import type { Company } from '../stage/company.ts';
import { type ArrivedEvent, type Siem, setUpSiem } from '../stage/siem.ts';
import type { Step } from '../step.ts';

const SINKS = '/admin/v1/sinks';
const SINK = `${SINKS}/soc`;
const NOTICED_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 20;

interface Tested {
  readonly accepted: boolean;
  readonly took_ms: number;
  readonly code: string | null;
  readonly detail: string | null;
  readonly event_id: string;
}

interface Health {
  readonly health: { readonly failures: number; readonly behind: number };
}

export const feedTheSiem: Step = {
  name: 'feed-the-siem',
  title: 'Acme’s security team connects its SIEM, and loses nothing',
  story:
    'A security engineer adds a sink: where the SIEM listens, and what each message is signed with. A test event says ' +
    'whether that is right. Then everything arrives that has happened since the first day, in order, and from now on ' +
    'whatever happens. The SIEM may go away: the bridge goes on, and what happened meanwhile arrives afterwards.',
  async run(stage) {
    const acme = stage.acme.get();
    const siem = await setUpSiem(stage, 'siem.acme.localhost');
    stage.siem.set(siem);
    stage.onClose(() => siem.switchOff());
    // Before the SIEM: a bridge that stops tells it so.
    stage.onClose(() => acme.bridge.stop());

    await acme.administrator.post(SINKS, {
      ...{ name: 'soc', kind: 'webhook', format: 'plain', from: 'beginning' },
      settings: { url: siem.url, secret: siem.secret },
    });
    const tooEarly = await acme.administrator.post<Tested>(`${SINK}/test`);
    must(!tooEarly.accepted, 'a test event arrived at a SIEM that is off');
    await siem.switchOn();
    const tested = await acme.administrator.post<Tested>(`${SINK}/test`);
    must(tested.accepted, `the test event did not arrive: ${tested.code}`);
    const seen = await siem.awaitEvent(({ event_id }) => event_id === tested.event_id, 'the test event');
    const created = await siem.awaitEvent(({ type }) => type === 'sink.created', 'that it was added');
    return [
      finding('Acme’s SIEM', `${siem.url}, every message signed`),
      finding('a test, before it runs', `${tooEarly.code}: ${tooEarly.detail}`),
      finding('a test, now it runs', `arrived after ${Math.round(tested.took_ms)} ms: ${seen.event.type}`),
      finding('what happened before', chainOf(siem, acme, created)),
      ...(await whileAway(acme, siem)),
    ];
  },
};

/** Everything from the first event on, each following the one before it. */
function chainOf({ arrived }: Siem, { issuer }: Company, last: ArrivedEvent): string {
  const events = arrived.map(({ event }) => event).filter(({ seq }) => seq > 0 && seq <= last.event.seq);
  let head = eventGenesis(issuer);
  for (const [index, { hash, ...hashed }] of events.entries()) {
    must(hashed.seq === index + 1, `the SIEM did not get event ${index + 1} in its turn`);
    must(hashed.prev === head && eventHash(hashed) === hash, `event ${hashed.seq} was changed on its way`);
    head = hash;
  }
  return `${events.length} events, in order, each with the hash of the one before it`;
}

/** The SIEM is switched off, something happens, and it is switched on again. */
async function whileAway({ administrator }: Company, siem: Siem): Promise<Finding[]> {
  await siem.switchOff();
  const began = performance.now();
  await administrator.post('/admin/v1/domains', { domain: 'lab.acme.example' });
  const took = Math.round(performance.now() - began);
  const waiting = await failing(administrator);
  await siem.switchOn();
  const back = performance.now();
  await siem.awaitEvent(
    ({ type, subject }) => type === 'domain.added' && subject.domain === 'lab.acme.example',
    'what happened while it was away',
  );
  const later = Math.round(performance.now() - back);
  return [
    finding('while the SIEM is away', `the bridge answers after ${took} ms, as ever; ${waiting}`),
    finding('when it is back', `it arrives by itself, ${later} ms later`),
  ];
}

/** Until the bridge has noticed; answers how many events wait. */
async function failing({ get }: Company['administrator']): Promise<string> {
  for (let looks = 0; looks < NOTICED_WITHIN_MS / LOOK_EVERY_MS; looks += 1) {
    const { health } = await get<Health>(SINK);
    if (health.failures > 0) return health.behind === 1 ? 'one event waits' : `${health.behind} events wait`;
    await pause(LOOK_EVERY_MS);
  }
  throw new StoryFault('the bridge did not notice that the SIEM is away');
}
