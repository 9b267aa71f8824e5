import * as z from 'zod';
import { SIGNALS_PATH } from '../../federation/entity-configuration.ts';
import { SIGNAL_BYTES } from '../../lib/limits.ts';
import type { IdpSignals } from '../../signals/idp-signals.ts';
import type { PartnerSignals } from '../../signals/partner-signals.ts';
import { deliveryPath } from '../../signals/transmitter.ts';
import { defineRoute, type Route } from '../route.ts';
import { setDeliveryError } from '../set-delivery-error.ts';

const body = {
  schema: z.string().describe('A security event token (RFC 8417)'),
  maxBytes: SIGNAL_BYTES,
  mediaType: 'application/secevent+jwt',
};

const response = { status: 202, description: 'It was taken, now or before' };

/** Where others push security event tokens (RFC 8935). */
export function receivedSignalRoutes({
  partnerSignals,
  idpSignals,
}: {
  partnerSignals: PartnerSignals;
  idpSignals: IdpSignals;
}): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: SIGNALS_PATH,
      summary: 'Take a partner’s signal about one of its people (RFC 8935)',
      tag: 'federation',
      authentication: 'none',
      body,
      response,
      errors: [
        ...(['partner_unknown', 'partner_suspended', 'jws_signature', 'jws_unknown_key'] as const),
        ...(['claims_invalid', 'set_audience', 'set_subject', 'jws_expired'] as const),
        ...(['jws_not_yet_valid', 'partner_expired'] as const),
      ],
      errorForm: setDeliveryError,
      handle: async ({ body: token, context }) => {
        await partnerSignals.take(token, context);
        return { text: '', mediaType: 'text/plain' };
      },
    }),
    defineRoute({
      method: 'post',
      path: deliveryPath(':connection'),
      summary:
        'Take a signal of a connection’s identity provider (RFC 8935): CAEP and RISC events that revoke here',
      tag: 'federation',
      authentication: 'none',
      body,
      response,
      errors: [
        ...(['unauthenticated', 'set_invalid', 'set_key', 'set_issuer', 'set_audience'] as const),
        ...(['set_subject', 'jws_expired', 'jws_not_yet_valid', 'upstream_unreachable'] as const),
      ],
      errorForm: setDeliveryError,
      handle: async ({ body: token, params, headers, context }) => {
        const { connection = '' } = params;
        await idpSignals.take({ connection, authorization: headers.authorization, token }, context);
        return { text: '', mediaType: 'text/plain' };
      },
    }),
  ];
}
