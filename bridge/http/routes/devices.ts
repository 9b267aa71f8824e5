import * as z from 'zod/mini';
import { compactJws } from '../../../protocol/claims.ts';
import type { Lifecycle } from '../../lifecycle/lifecycle.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** What is left of a removed device. */
const removalSchema = z.strictObject({
  /** `revocation-receipt+jwt`; null while the bridge’s online keys have run out. */
  receipt: z.nullable(compactJws),
});

/** A person's own devices. */
export function deviceRoutes({ lifecycle }: { lifecycle: Lifecycle }): Route[] {
  return [
    defineRoute({
      method: 'delete',
      path: '/v1/devices/:device',
      summary: 'Remove a device of one’s own: its transform key and tokens are gone when this is answered',
      tag: 'client',
      authentication: 'device',
      response: { status: 200, description: 'It is removed', schema: removalSchema },
      errors: ['device_unknown'],
      handle: async (request) => ({
        body: await lifecycle.removeOwnDevice(
          holderOf(request),
          request.params.device ?? '',
          request.context,
        ),
      }),
    }),
  ];
}
