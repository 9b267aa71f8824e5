import * as z from 'zod';
import { count, name, phrase } from './event-text.ts';

const draft = { draft: name, hash: name };

/** Events of the policy: part of the catalogue. */
export const POLICY_EVENTS = {
  'policy.drafted': {
    doc: 'An administrator made a draft of the next policy.',
    data: z.strictObject({ ...draft, note: phrase }),
  },
  'policy.approved': { doc: 'An administrator approved a draft.', data: z.strictObject(draft) },
  'policy.discarded': { doc: 'A draft was discarded.', data: z.strictObject(draft) },
  'policy.activated': {
    doc: 'Another policy came into force.',
    data: z.strictObject({
      version: count,
      hash: name,
      /** Of the policy before it. */
      previous: name.optional(),
      draft: name.optional(),
      /** The version whose content was brought back. */
      rolled_back_to: count.optional(),
      /** Why, in the words of who rolled it back; a draft’s stand in `policy.drafted`. */
      note: phrase.optional(),
    }),
  },
  'policy.failed': {
    doc: 'The policy could not be asked, took too long or could not be taken up; what was asked meanwhile is refused.',
    data: z.strictObject({ reason: phrase, hash: name.optional(), action: name.optional() }),
  },
} as const;
