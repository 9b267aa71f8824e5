import type { Newcomer } from '../../protocol/meetings/host-tree.ts';
import { REKEY_JOINS } from '../../protocol/meetings/limits.ts';
import type { RekeySender } from '../../protocol/meetings/rekey-message.ts';
import { type Child, startChild } from '../processes/child.ts';
import type { CompaniesProcess, CrowdAt, MeetingSize, SentRekey } from './companies-process.ts';
import type { JoiningAt } from './joining-steps.ts';
import type { Arrival, Audience, ListenersProcess } from './listeners-process.ts';

/** Where the devices of a crowd join. */
export type CrowdsPlace = JoiningAt & Audience;

/** A meeting with a crowd at each bridge, whose devices are a process each. */
export interface Gathering {
  readonly newcomers: readonly Newcomer[];
  readonly listeners: readonly Child<ListenersProcess>[];
  readonly host: RekeySender;
  /** The same work for the crowd at home and for the partner's, at once. */
  ofEach<Answer>(
    work: (child: Child<ListenersProcess>, place: CrowdsPlace) => Promise<Answer>,
  ): Promise<Answer[]>;
  /** Opens every device's stream; answers how long it took, ms. */
  listen(since: number): Promise<number>;
  heard(sent: SentRekey, without: readonly string[]): Promise<Arrival[]>;
}

/** Works with a new meeting and its crowds, which are gone afterwards. */
export async function gathered<Result>(
  companies: Child<CompaniesProcess>,
  size: MeetingSize,
  work: (gathering: Gathering) => Promise<Result>,
): Promise<Result> {
  const listeners = [0, 1].map(() => startChild<ListenersProcess>('./listeners-process', import.meta.url));
  try {
    const { iss, group, home, partner, ...opened } = await companies.ask('meet', size);
    const host = { iss, ...opened.host };
    const meeting = { iss, group };
    const paired = [home, partner].flatMap((crowd: CrowdAt, index) =>
      listeners.slice(index, index + 1).map((child) => ({ child, crowd })),
    );
    const newcomers = await Promise.all(
      paired.map(({ child, crowd: { attendants } }) => child.ask('prepare', attendants)),
    );
    const ofEach: Gathering['ofEach'] = (each) =>
      Promise.all(paired.map(({ child, crowd: { peer, pre } }) => each(child, { peer, pre, meeting, host })));
    return await work({
      ...{ listeners, host, newcomers: newcomers.flat(), ofEach },
      async listen(since) {
        const begun = performance.now();
        await ofEach((child, { peer }) => child.ask('listen', { peer, meeting, host, since }));
        return performance.now() - begun;
      },
      heard: ({ hash }, without) => ofEach((child) => child.ask('heard', { hash, without })),
    });
  } finally {
    for (const child of listeners) await child.end();
  }
}

/** Everybody in `newcomers` gets a place; answers the last message. */
export async function placeAll(
  companies: Child<CompaniesProcess>,
  newcomers: readonly Newcomer[],
  sentOne: (sent: SentRekey) => Promise<unknown>,
): Promise<SentRekey> {
  let sent = await companies.ask('send', { joined: newcomers.slice(0, REKEY_JOINS), left: [] });
  await sentOne(sent);
  for (let from = REKEY_JOINS; from < newcomers.length; from += REKEY_JOINS) {
    sent = await companies.ask('send', { joined: newcomers.slice(from, from + REKEY_JOINS), left: [] });
    await sentOne(sent);
  }
  return sent;
}
