import { requestBy } from '../binding/permission.ts';
import { askingPartner } from '../federation/asking-partner.ts';
import type { Partner } from '../federation/partner-store.ts';
import { deedsInGroup } from './population-groups.ts';
import { type Asker, MULTI_FACTOR, SOMEBODY, someGroup, type TrialQuestion } from './trial-question.ts';

const PARTNERS = ['partner', 'partners'] as const;

/** What a partner could ask for, and who of ours could look its domains up. */
export function* questionsOfPartner(
  partner: Partner,
  { iss, askers }: { readonly iss: string; readonly askers: readonly Asker[] },
): Generator<TrialQuestion> {
  const asking = askingPartner(partner);
  const example = partner.entity_id;
  yield {
    topic: { action: 'look-up-as-partner', noun: PARTNERS, doing: 'look addresses up' },
    request: requestBy(asking, { action: 'look-up-as-partner', resource: { kind: 'bridge', id: iss } }),
    ...{ facts: example, example },
  };
  for (const groupKind of ['meeting', 'durable'] as const) {
    for (const { action, doing, facts } of deedsInGroup(groupKind, asking, 'member')) {
      const of = groupKind === 'meeting' ? 'meetings' : 'durable groups';
      yield {
        topic: { action, noun: PARTNERS, doing: `${doing}, for people of theirs in ${of}` },
        request: requestBy(asking, { action, resource: someGroup(groupKind), facts }),
        ...{ facts: `${example} ${groupKind}`, example },
      };
    }
  }
  yield* ofDomains(partner, askers);
}

function* ofDomains({ domains }: Partner, askers: readonly Asker[]): Generator<TrialQuestion> {
  for (const domain of domains) {
    for (const { principal, words } of askers.filter((asker) => asker.principal.kind === 'person')) {
      yield {
        topic: {
          ...{ action: 'find', noun: ['domain of a partner', 'domains of partners'] },
          doing: `be looked up by ${words}`,
        },
        request: {
          ...{ action: 'find', principal, context: { signIn: MULTI_FACTOR } },
          resource: { kind: 'address', id: `${SOMEBODY}@${domain}`, domain },
        },
        facts: `foreign ${words} ${domain}`,
        example: domain,
      };
    }
  }
}
