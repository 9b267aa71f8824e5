import type { Action } from '../../bridge/policy/decision.ts';

const PUBLIC = 'public: it says the same to everybody, and nothing of anybody’s';
const SIGNED = 'whoever brings it shows by a signature or a secret that it is theirs to bring';

/**
 * What policy is asked on the routes that are not of administrators (which name their action themselves): each route
 * with its actions, or with why there is nothing to ask.
 */
export const DECIDED_ROUTES: Readonly<Record<string, readonly Action[] | string>> = {
  // keys and devices
  'post /v1/enrolments': ['enrol'],
  'post /v1/enrolments/:id/confirmation':
    'the offer was decided, for this very person and device, at most five minutes ago',
  'get /v1/me': ['see-self'],
  'get /v1/me/key-history': ['see-self'],
  'post /v1/me/key-findings': ['report-finding'],
  'get /v1/vault': ['open-vault'],
  'get /v1/rotations/next': ['rotate-keys'],
  'post /v1/rotations': ['rotate-keys'],
  'post /v1/devices/current/rotation': ['rotate-keys'],
  'delete /v1/devices/:device': ['remove-device'],
  'post /v1/device-requests': ['request-device'],
  'get /v1/device-requests': ['see-self'],
  'get /v1/device-requests/:id': ['see-self'],
  'post /v1/device-requests/:id/challenge': ['approve-device'],
  'post /v1/device-requests/:id/reveal':
    'the new device answers a challenge; whether it is added is decided after that',
  'post /v1/device-requests/:id/approval': ['approve-device'],
  'post /v1/device-requests/:id/refusal': ['refuse-device'],
  'post /v1/escrow/opening': ['recover'],
  'post /v1/escrow/recoveries': ['recover'],
  'post /v1/recoveries': ['recover'],
  'get /v1/recoveries/:id': ['recover'],

  // looking up
  'post /v1/lookups': ['look-up', 'find', 'see-name', 'see-sign-in'],
  'post /v1/public/lookups': ['look-up-as-public', 'find', 'see-name', 'see-sign-in'],
  'post /v1/watch': ['look-up', 'find'],
  'post /federation/v1/lookups': ['look-up-as-partner', 'find', 'see-name', 'see-sign-in'],

  // groups and meetings
  'post /v1/groups': ['create-group'],
  'post /v1/groups/offers/:id/confirmation':
    'the offer was decided, for this very person and device, at most five minutes ago',
  'get /v1/groups': ['see-self'],
  'post /v1/groups/memberships': ['see-group', 'see-foreign-group'],
  'post /federation/v1/groups/memberships': ['see-group'],
  'post /v1/groups/view': ['see-group', 'see-foreign-group'],
  'post /v1/groups/:group/members': ['manage-group', 'add-member'],
  'get /v1/groups/:group/members': ['see-group'],
  'post /v1/groups/:group/exclusions': ['manage-group'],
  'post /v1/groups/:group/keys': ['manage-group'],
  'get /v1/groups/:group/vault': ['manage-group'],
  'post /v1/groups/:group/end': ['manage-group'],
  'post /federation/v1/groups': ['see-group'],
  'post /v1/meetings/rekeys': ['join-meeting'],
  'post /v1/meetings/stream': ['join-meeting', 'join-foreign-meeting'],
  'post /v1/meetings/state': ['join-meeting', 'join-foreign-meeting'],
  'post /v1/meetings/members': ['join-meeting', 'join-foreign-meeting'],
  'post /v1/meetings/roster': ['join-meeting', 'join-foreign-meeting'],
  'post /v1/meetings/presence': ['join-meeting', 'join-foreign-meeting'],
  'post /v1/meetings/presence/renewals': ['join-meeting', 'join-foreign-meeting'],
  'post /v1/meetings/leave': ['join-foreign-meeting'],
  'post /federation/v1/meetings': ['join-meeting'],

  // assets
  'post /v1/sealed-keys': ['seal-key', 'seal-foreign-key'],
  'get /v1/groups/:group/sealed-keys': ['see-group'],
  'post /v1/key-openings': ['open-key', 'open-foreign-key'],
  'post /v1/policy/recipients': ['resolve-recipients', 'receive'],
  'post /federation/v1/sealed-keys': ['seal-key'],
  'post /federation/v1/key-openings': ['open-key'],

  // for everybody
  'get /health/live': PUBLIC,
  'get /health/ready': PUBLIC,
  'get /v1/openapi.json': PUBLIC,
  'get /admin/bootstrap': PUBLIC,
  'get /.well-known/openid-federation': PUBLIC,
  'get /.well-known/countersign/online-keys': PUBLIC,
  'get /.well-known/countersign/policy': PUBLIC,
  'get /.well-known/countersign/logged-trust': PUBLIC,
  'get /v1/policy/bundles/:hash': PUBLIC,
  'get /.well-known/ssf-configuration': PUBLIC,
  'get /ssf/v1/jwks': PUBLIC,
  'get /log/checkpoint': PUBLIC,
  'get /log/tile/*path': PUBLIC,
  'get /witness/:origin_hash/checkpoint': PUBLIC,
  'post /federation/v1/signals': SIGNED,
  'post /signals/v1/connections/:connection': SIGNED,
  'post /ssf/v1/streams': SIGNED,
  'get /ssf/v1/streams': SIGNED,
  'patch /ssf/v1/streams': SIGNED,
  'put /ssf/v1/streams': SIGNED,
  'delete /ssf/v1/streams': SIGNED,
  'get /ssf/v1/status': SIGNED,
  'post /ssf/v1/status': SIGNED,
  'post /ssf/v1/subjects/add': SIGNED,
  'post /ssf/v1/subjects/remove': SIGNED,
  'post /ssf/v1/verification': SIGNED,
  'post /ssf/v1/poll/:stream': SIGNED,
  'post /log/cosignature': SIGNED,
  'post /witness/add-checkpoint': SIGNED,
  'post /admin/v1/bootstrap': SIGNED,
};
