import { table } from '../output.ts';
import { moment } from '../quantities.ts';
import type { DeadLettersAnswer, ReplayAnswer } from './sink-answers.ts';

export function replaysView(replays: readonly ReplayAnswer[]): string {
  return table(
    ['replay', 'events', 'done to', 'status', 'asked'],
    replays.map(({ id, from_seq, to_seq, done_seq, status, created }) => [
      ...[id, `${from_seq} to ${to_seq}`, `${done_seq}`, status, moment(created)],
    ]),
  );
}

export function deadLettersView(name: string, { dead_letters: letters, next }: DeadLettersAnswer): string {
  return [
    table(
      ['seq', 'refused', 'times', 'event id', 'the receiver said'],
      letters.map(({ seq, refused, tries, resending, event_id, words }) => [
        ...[`${seq}`, resending ? 'sent again soon' : moment(refused), `${tries}`, event_id, words],
      ]),
      'There are none: the receiver took every event.',
    ),
    ...(letters.length === 0
      ? []
      : [
          '',
          `Again: countersign sink resend ${name} --all`,
          `Never: countersign sink discard ${name} --all`,
        ]),
    ...(next === null ? [] : [`More: --after ${next}`]),
  ].join('\n');
}
