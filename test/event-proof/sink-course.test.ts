import { describe, expect, it } from 'vitest';
import { createApiClient } from '../../bridge/cli/api-client.ts';
import { explainAbsence, type SinkCourse, sinkCourse } from '../../bridge/cli/sink-course.ts';
import type { CopyReport, SeqRange } from '../../protocol/events/verify-copy.ts';

const COURSE: SinkCourse = { begin: 1, deadLetters: new Set(), givenUp: [], refused: [] };

/** As the verifier finds a copy of the events 1 to 20 that lacks some. */
function lacking(missing: readonly SeqRange[], range = { from: 1, to: 20 }) {
  return async (filtered: boolean): Promise<CopyReport> => ({
    ...{ range, proven: 10, redacted: 0, covered: 20, tests: 0, missing },
    ...{
      shortened: [],
      altered: [],
      added: [],
      contradicted: [],
      unproven: [],
      unreadable: [],
      beside: [],
      forked: [],
    },
    outcome: missing.length === 0 ? 'proven' : filtered ? 'partly' : 'refuted',
  });
}

const one = (seq: number) => ({ from: seq, to: seq });

describe('what the receiver of a sink lacks', () => {
  it('is no tampering where it is a dead letter', async () => {
    const found = await explainAbsence(
      lacking([one(3)]),
      { ...COURSE, deadLetters: new Set([3]) },
      undefined,
    );
    expect(found).toMatchObject({ outcome: 'partly', missing: [], refused: [one(3)] });
  });

  it('is no tampering where it was given up by overflow', async () => {
    const givenUp = [{ from: 5, to: 9 }];
    const found = await explainAbsence(lacking(givenUp), { ...COURSE, givenUp }, undefined);
    expect(found).toMatchObject({ outcome: 'partly', missing: [], given_up: givenUp });
  });

  it('is tampering where more is missing than was refused', async () => {
    const refused = [{ from: 3, to: 9, events: 2 }];
    const found = await explainAbsence(lacking([{ from: 4, to: 6 }]), { ...COURSE, refused }, undefined);
    expect(found).toMatchObject({ outcome: 'refuted', missing: [one(6)], refused: [{ from: 4, to: 5 }] });
  });

  it('is tampering for all that no dead letter names', async () => {
    const course = { ...COURSE, deadLetters: new Set([3]) };
    const found = await explainAbsence(lacking([one(3), one(7)]), course, undefined);
    expect(found).toMatchObject({ outcome: 'refuted', missing: [one(7)], refused: [one(3)] });
  });

  it('is no tampering before the sink was there, between what a replay brought and its beginning', async () => {
    const found = await explainAbsence(lacking([{ from: 4, to: 9 }]), { ...COURSE, begin: 10 }, undefined);
    expect(found).toMatchObject({ outcome: 'partly', before: [{ from: 4, to: 9 }] });
  });

  it('is not explained behind what is signed, whatever a forged line names', async () => {
    const far = { from: 21, to: 999_999_999_999_998 };
    const course = { ...COURSE, givenUp: [far] };
    expect(await explainAbsence(lacking([far]), course, undefined)).toMatchObject({
      outcome: 'refuted',
      missing: [far],
    });
  });

  it('is not known at the front where the log does not tell when the sink began', async () => {
    const late = lacking([], { from: 4, to: 20 });
    const course = { ...COURSE, begin: undefined };
    const found = await explainAbsence(late, course, undefined);
    expect(found).toMatchObject({ outcome: 'partly', begins_late: { at: 4, sink_began: null } });
    expect(await explainAbsence(late, course, 4)).toMatchObject({ outcome: 'proven', begins_late: null });
  });
});

describe('what the bridge tells of a sink', () => {
  const told = (type: string, data: object) => `${JSON.stringify({ seq: 1, type, data })}\n`;
  const letter = (seq: number) => ({
    ...{ seq, event_id: 'e', refused: '2026-11-22T00:00:00Z', words: 'no', tries: 1, resending: false },
  });

  it('is read over all pages of its log and of its dead letters, and is of no other sink', async () => {
    const pages: Record<string, { body: string; since?: number }> = {
      '': { body: told('sink.created', { sink: 'snk_1', name: 'a', from_seq: 7 }), since: 9 },
      '9': {
        body:
          told('sink.overflowed', { sink: 'snk_1', name: 'a', from_seq: 11, to_seq: 12 }) +
          told('sink.overflowed', { sink: 'snk_2', name: 'b', from_seq: 1, to_seq: 99 }) +
          told('sink.events_refused', { sink: 'snk_1', from_seq: 20, to_seq: 30, events: 2 }),
        since: 30,
      },
      '30': { body: '', since: 30 },
    };
    const letters: Record<string, object> = {
      '0': { dead_letters: [letter(21)], next: 21 },
      '21': { dead_letters: [letter(22)], next: null },
    };
    const fetch = async (input: string | URL | Request) => {
      const { pathname, searchParams } = new URL(String(input));
      if (pathname !== '/v1/events') return Response.json(letters[searchParams.get('after') ?? '']);
      const { body, since } = pages[searchParams.get('since') ?? ''] ?? { body: '' };
      return new Response(body, { headers: { link: `<https://b/v1/events?since=${since}>; rel="next"` } });
    };
    const course = await sinkCourse(createApiClient({ fetch }, { url: 'https://b' }), 'snk_1');
    expect(course).toEqual({
      begin: 7,
      deadLetters: new Set([21, 22]),
      givenUp: [{ from: 11, to: 12 }],
      refused: [{ from: 20, to: 30, events: 2 }],
    });
  });
});
