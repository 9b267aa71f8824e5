import type * as z from 'zod/mini';
import {
  type BridgeRequestEnvelope,
  type BridgeResponseEnvelope,
  requestEnvelopeOf,
  responseEnvelopeOf,
  verifyBridgeRequest,
  verifyBridgeResponse,
} from '../../../protocol/bridge-request.ts';
import type { ObjectType } from '../../../protocol/jws.ts';
import { type Company, NOW, testDigest } from '../company.ts';
import type { SignedObject } from './signed-object.ts';

interface Said {
  readonly form?: string;
  readonly optional?: readonly string[];
}

/** Globex asks Acme for people of its own. */
export interface Exchange {
  request(
    type: ObjectType,
    schema: z.ZodMiniType<BridgeRequestEnvelope>,
    asked: object,
    said?: Said,
  ): SignedObject;
  response(
    type: ObjectType,
    schema: z.ZodMiniType<BridgeResponseEnvelope>,
    answered: object,
    said?: Said,
  ): SignedObject;
}

export async function exchangeBetween(globex: Company, acme: Company): Promise<Exchange> {
  const [asker, answerer] = [await globex.onlineKeys(), await acme.onlineKeys()];
  const envelope = requestEnvelopeOf({ iss: globex.iss, aud: acme.iss, jti: 'request-1' }, NOW);
  const requestHash = testDigest('request');
  const asked = { aud: globex.iss, jti: envelope.jti, requestHash };
  return {
    request: (type, schema, claims, said = {}) => ({
      ...{ type, by: globex.keys.federation, claims: { ...envelope, ...claims }, ...said },
      verify: (token) => verifyBridgeRequest(token, type, schema, asker, acme.iss, NOW),
    }),
    response: (type, schema, claims, said = {}) => ({
      ...{ type, by: acme.keys.federation, ...said },
      claims: { ...responseEnvelopeOf(envelope, requestHash, NOW), ...claims },
      verify: (token) => verifyBridgeResponse(token, type, schema, answerer, asked, NOW),
    }),
  };
}
