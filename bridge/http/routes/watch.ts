import { watchBodySchema } from '../../../protocol/api.ts';
import { type PermissionDeps, requirePersonPermission } from '../../binding/permission.ts';
import type { Watches } from '../../binding/watches.ts';
import { LOOKUP_BODY_BYTES } from '../../lib/limits.ts';
import type { Signer } from '../../signer/signer.ts';
import { defineRoute, holderOf, type Route, type ServerSentEvent } from '../route.ts';

export interface WatchRoutesDeps extends PermissionDeps {
  readonly watches: Watches;
  readonly signer: Pick<Signer, 'iss'>;
}

/** Who may look addresses up may be told when to do it again. */
export function watchRoutes({ watches, signer, ...deps }: WatchRoutesDeps): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/watch',
      summary: 'Hear when an address, of the own company or a partner’s, should be looked up again',
      tag: 'client',
      authentication: 'device',
      body: { schema: watchBodySchema, maxBytes: LOOKUP_BODY_BYTES },
      response: {
        status: 200,
        description: 'Server-sent events: `ready` once, then `changed` with address, reason and as_of',
        mediaType: 'text/event-stream',
      },
      errors: ['address_invalid', 'unavailable'],
      handle: async (request) => {
        const who = holderOf(request);
        const resource = { kind: 'bridge', id: signer.iss } as const;
        requirePersonPermission(deps, who, { action: 'look-up', resource });
        const tell = watches.watch(who, request.body);
        return {
          reader: `device ${who.deviceId}`,
          open: async function* (signal): AsyncGenerator<ServerSentEvent, void> {
            let ready = false;
            for await (const { asOf, changes } of tell(signal)) {
              if (!ready) yield { event: 'ready', data: JSON.stringify({ as_of: asOf }) };
              ready = true;
              for (const change of changes) {
                yield { event: 'changed', data: JSON.stringify({ ...change, as_of: asOf }) };
              }
            }
          },
        };
      },
    }),
  ];
}
