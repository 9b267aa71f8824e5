import { recipientsBodySchema, recipientsSchema } from '../../../protocol/recipients/api.ts';
import type { Groups } from '../../groups/services.ts';
import { JSON_BODY_BYTES } from '../../lib/limits.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** Encrypting to whom policy names. */
export function recipientRoutes({ groups: { recipients } }: { groups: Groups }): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/policy/recipients',
      summary: 'For whom data of a category and sensitivity is, and the policy that says so',
      tag: 'client',
      authentication: 'device',
      body: { schema: recipientsBodySchema, maxBytes: JSON_BODY_BYTES },
      response: {
        status: 200,
        description: 'The recipients of the first policy that fits',
        schema: recipientsSchema,
      },
      errors: [
        ...(['recipients_none', 'forbidden', 'address_invalid', 'policy_unavailable'] as const),
        ...(['group_unknown', 'group_ended', 'group_untrusted', 'malformed_request'] as const),
        ...(['device_not_endorsed', 'person_unknown', 'person_closed', 'unavailable'] as const),
      ],
      handle: async (request) => ({
        body: await recipients.resolve(holderOf(request), request.body, request.context),
      }),
    }),
  ];
}
