import type { Lifecycle } from '../../lifecycle/lifecycle.ts';
import { defineRoute, holderOf, type Route } from '../route.ts';

/** A person's own devices. */
export function deviceRoutes({ lifecycle }: { lifecycle: Lifecycle }): Route[] {
  return [
    defineRoute({
      method: 'delete',
      path: '/v1/devices/:device',
      summary: 'Remove a device of one’s own: its transform key and tokens are gone when this is answered',
      tag: 'client',
      authentication: 'device',
      response: { status: 204, description: 'It is removed' },
      errors: ['device_unknown'],
      handle: async (request) => {
        await lifecycle.removeOwnDevice(holderOf(request), request.params.device ?? '', request.context);
        return { body: null };
      },
    }),
  ];
}
