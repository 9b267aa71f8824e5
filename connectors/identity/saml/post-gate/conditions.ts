/** Conditions (SAML Core §2.5): for whom and when. A condition that is not understood makes an assertion invalid. */
import { NS } from '../names.ts';
import { refuse } from '../refuse.ts';
import { childElements, childrenNamed, isNamed, onlyChild, textOf } from '../xml.ts';
import { checkNotBefore, checkNotOnOrAfter, type Now, timeOf } from './signed-time.ts';

const UNDERSTOOD = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'];

export function checkConditions(assertion: Element, spEntityId: string, now: Now): void {
  const conditions = onlyChild(assertion, NS.assertion, 'Conditions', 'saml_conditions');
  checkUnderstood(conditions);
  checkAudience(conditions, spEntityId);
  checkNotBefore(timeOf(conditions, 'NotBefore'), 'the conditions are not yet met', now);
  checkNotOnOrAfter(timeOf(conditions, 'NotOnOrAfter'), 'the conditions have expired', now);
}

function checkUnderstood(conditions: Element): void {
  for (const condition of childElements(conditions)) {
    if (!UNDERSTOOD.some((name) => isNamed(condition, NS.assertion, name))) {
      refuse('saml_conditions', 'a condition is not understood');
    }
  }
}

/** At least one restriction, and we are in each of them. */
function checkAudience(conditions: Element, spEntityId: string): void {
  const restrictions = childrenNamed(conditions, NS.assertion, 'AudienceRestriction');
  const named = restrictions.map((restriction) =>
    childrenNamed(restriction, NS.assertion, 'Audience').map((audience) => textOf(audience, 'saml_audience')),
  );
  if (named.length === 0 || !named.every((audiences) => audiences.includes(spEntityId))) {
    refuse('saml_audience', 'this service is not in the audience');
  }
}
