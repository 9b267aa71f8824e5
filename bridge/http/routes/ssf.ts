import * as z from 'zod';
import type { ReceiverKeys } from '../../signals/receiver-keys.ts';
import { DELIVERY_METHODS } from '../../signals/stream.ts';
import { defineRoute, type Route } from '../route.ts';
import { type SsfRoutesDeps, ssfPollRoutes } from './ssf-poll.ts';
import { STREAMS_PATH, ssfStreamRoutes } from './ssf-streams.ts';
import { ssfSubjectRoutes } from './ssf-subjects.ts';

const DISCOVERY_PATH = '/.well-known/ssf-configuration';
const JWKS_PATH = '/ssf/v1/jwks';

const object = z.record(z.string(), z.unknown());

/** The transmitter of Shared Signals (SSF 1.0) for registered receivers. */
export function ssfRoutes(deps: SsfRoutesDeps): Route[] {
  return [
    discoveryRoute(deps.issuer),
    jwksRoute(deps.sentSignals.keys),
    ...ssfStreamRoutes(deps),
    ...ssfSubjectRoutes(deps),
    ...ssfPollRoutes(deps),
  ];
}

function discoveryRoute(issuer: string): Route {
  const configuration = {
    ...{ spec_version: '1_0', issuer, jwks_uri: issuer + JWKS_PATH },
    delivery_methods_supported: [DELIVERY_METHODS.push, DELIVERY_METHODS.poll],
    configuration_endpoint: issuer + STREAMS_PATH,
    status_endpoint: `${issuer}/ssf/v1/status`,
    add_subject_endpoint: `${issuer}/ssf/v1/subjects/add`,
    remove_subject_endpoint: `${issuer}/ssf/v1/subjects/remove`,
    verification_endpoint: `${issuer}/ssf/v1/verification`,
    // A bearer token (RFC 6750), which an administrator hands over.
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
    default_subjects: 'ALL',
  };
  return defineRoute({
    method: 'get',
    path: DISCOVERY_PATH,
    summary: 'The configuration of this transmitter of signals (SSF 1.0 §6.1)',
    tag: 'federation',
    authentication: 'none',
    response: { status: 200, description: 'The transmitter configuration', schema: object },
    errors: [],
    handle: async () => ({ body: configuration }),
  });
}

function jwksRoute(keys: ReceiverKeys): Route {
  return defineRoute({
    method: 'get',
    path: JWKS_PATH,
    summary: 'The keys that sign signals to registered receivers (RFC 7517), the newest first',
    tag: 'federation',
    authentication: 'none',
    response: { status: 200, description: 'The keys', schema: z.object({ keys: z.array(object) }) },
    errors: [],
    handle: async () => ({ body: await keys.jwks() }),
  });
}
