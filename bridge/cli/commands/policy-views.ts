import { contentFiles } from '../../policy/content/content-diff.ts';
import { facts, printable, table, when } from '../output.ts';
import type {
  DecisionsAnswer,
  DraftSummaryAnswer,
  DryRunAnswer,
  ExplanationAnswer,
  PolicyAnswer,
} from './policy-answers.ts';

const name = (by: { name: string | null; id: string } | null) => by?.name ?? by?.id ?? 'the bridge itself';

export function policyView({
  version,
  hash,
  inForce,
  activated,
  by,
  content,
  history,
}: PolicyAnswer): string {
  return [
    facts({
      policy: `version ${version}${inForce ? ', in force' : ''}`,
      since: `${when(activated)}, by ${name(by)}`,
      hash,
    }),
    table(
      ['file', 'policies', 'lines'],
      [...contentFiles(content)].map(([file, text]) => [
        ...[file, file.endsWith('.cedar') ? `${countPolicies(text)}` : '', `${text.split('\n').length - 1}`],
      ]),
    ),
    table(
      ['version', 'in force from', 'by', 'hash'],
      history.map((each) => [`${each.version}`, when(each.activated), name(each.by), each.hash]),
    ),
    'One file: `countersign policy show FILE`. All of them, to change: `countersign policy export DIR`.',
  ].join('\n\n');
}

function countPolicies(text: string): number {
  return text.split('\n').filter((line) => line.startsWith('@id(')).length;
}

/** The unified difference; it has lines of its own, so each is made printable alone. */
export function diffView(diff: string): string {
  return diff.split('\n').map(printableLine).join('\n');
}

function printableLine(line: string): string {
  return printable(line.replaceAll('\t', '  '));
}

export function draftsView(drafts: readonly DraftSummaryAnswer[]): string {
  return table(
    ['id', 'status', 'by', 'made', 'on version', 'approved by', 'note'],
    drafts.map(({ id, status, author, created, basedOn, approvals, note }) => [
      ...[id, status, name(author), when(created), `${basedOn}`, approvedBy(approvals), note],
    ]),
    'There are none. Make one with `countersign policy apply DIR`.',
  );
}

function approvedBy(approvals: DraftSummaryAnswer['approvals']): string {
  return approvals
    .map(({ administrator, counts }) => name(administrator) + (counts ? '' : ' (does not count)'))
    .join(', ');
}

export function dryRunView({ present, recent, lifetimes, looked, notLookedAt }: DryRunAnswer): string {
  const { people, groups, partners, administrators, connections } = looked;
  const counted = [
    ...[several(people, 'person', 'people'), several(groups, 'group'), several(partners, 'partner')],
    ...[several(administrators, 'administrator’s token', 'administrators’ tokens')],
    several(connections, 'connection'),
  ];
  return [
    `If it came into force now, for ${counted.join(', ')}:`,
    findings(present, 'nobody would gain or lose anything'),
    ...(looked.recent === 0
      ? []
      : [
          '',
          `Of the last ${several(looked.recent, 'decision')} on record:`,
          findings(recent, 'all would be as they were'),
        ]),
    ...(lifetimes.length === 0 ? [] : ['', 'How long things live:', ...lifetimes.map(lifetime)]),
    '',
    `Not looked at: ${notLookedAt.map(printable).join('; ')}.`,
  ].join('\n');
}

function several(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function findings(found: DryRunAnswer['present'], none: string): string {
  if (found.length === 0) return `  ${none}`;
  return found
    .flatMap(({ sentences, lost, gained, examples }) => {
      const sides = [
        ...(lost === 0 ? [] : [{ sign: '−', few: examples.lost, all: lost }]),
        ...(gained === 0 ? [] : [{ sign: '+', few: examples.gained, all: gained }]),
      ];
      return sides.flatMap(({ sign, few, all }, at) => [
        `  ${sign} ${printable(sentences[at] ?? '')}`,
        ...(few.length === 0
          ? []
          : [`      ${few.map(printable).join(', ')}${all > few.length ? ', …' : ''}`]),
      ]);
    })
    .join('\n');
}

const LIFETIMES: Readonly<Record<string, string>> = {
  binding: 'key bindings',
  deviceBinding: 'device bindings',
  personKeys: 'a person’s keys until they are rotated',
  groupKeys: 'a group’s keys until they are rotated',
  lookUpMaxAge: 'answers to look-ups',
  meeting: 'meetings',
};

function lifetime({ name: of, of: assurance, before, after }: DryRunAnswer['lifetimes'][number]): string {
  const what = `${LIFETIMES[of] ?? printable(of)}${assurance === null ? '' : ` of ${printable(assurance)}s`}`;
  return `  ${what}: ${duration(before)} → ${duration(after)}`;
}

function duration(seconds: number): string {
  if (seconds === 0) return 'for ever';
  for (const [unit, length] of [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const) {
    if (seconds % length === 0) return several(seconds / length, unit);
  }
  return several(seconds, 'second');
}

export function decisionsView({ decisions, next, leftOut }: DecisionsAnswer): string {
  return [
    table(
      ['when', 'answer', 'action', 'who', 'what', 'by policy', 'times', 'id'],
      decisions.map(({ decided, effect, action, principal, resource, policy, times, id }) => [
        ...[new Date(decided).toISOString().slice(0, 19).replace('T', ' '), effect, action],
        ...[`${principal.kind} ${principal.id}`, `${resource.kind} ${resource.id}`, policy, `${times}`, id],
      ]),
      'There are none on record.',
    ),
    ...(next === null ? [] : [`More: --before ${next}`]),
    ...(leftOut === 0 ? [] : [`Of many at once a sample is kept: ${leftOut} are not on record.`]),
  ].join('\n');
}

export function explanationView(explanation: ExplanationAnswer): string {
  const { request, seen, effect, policy, reason, deciding, nearest, decided, times } = explanation;
  const { principal, resource } = request;
  return [
    `${effect === 'allow' ? 'Allowed' : 'Refused'} by ${printable(policy)}: ${printable(reason)}`,
    facts({
      asked: `${request.action}${times === 1 ? '' : ` (${times} times)`}`,
      when: when(Math.floor(decided / 1000)),
      who: `${principal.kind} ${principal.id}${attributes(seen.principal?.attrs)}`,
      what: `${resource.kind} ${resource.id}${attributes(seen.resource?.attrs)}`,
      facts: pairs(seen.context) || 'none',
      'policy hash': `${explanation.hash}${explanation.inForce ? ' (in force)' : ' (not in force any more)'}`,
    }),
    ...deciding.map(policyText),
    ...(nearest.length === 0 ? [] : ['What came nearest to allowing it:', ...nearest.map(policyText)]),
  ].join('\n\n');
}

function attributes(known: Readonly<Record<string, unknown>> = {}): string {
  const texts = pairs(known);
  return texts === '' ? '' : ` (${texts})`;
}

function pairs(known: Readonly<Record<string, unknown>>): string {
  return Object.entries(known)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
    .join(', ');
}

function policyText({ file, line, text }: ExplanationAnswer['deciding'][number]): string {
  const lines = text
    .trim()
    .split('\n')
    .map((each) => `    ${printableLine(each)}`);
  return [`${printable(file)}:${line}`, ...lines].join('\n');
}
