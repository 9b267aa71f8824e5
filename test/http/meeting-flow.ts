import { sha256Base64url } from '../../protocol/hash.ts';
import { decodeClaims, readHeader } from '../../protocol/jws.ts';
import { presenceSchema } from '../../protocol/presence.ts';
import { signPresenceRenewal } from '../../protocol/presence-renewal.ts';
import { deviceHeaders } from './api-request.ts';
import type { PersonApp } from './person-app.ts';
import type { TwoCompanies } from './two-companies.ts';

/** A meeting of two: everything that an app asks of a meeting, once at least. */
export async function playMeeting(
  acme: TwoCompanies['acme'],
  { ada, bob }: { readonly ada: PersonApp; readonly bob: PersonApp },
): Promise<void> {
  const { bridge, address } = acme;
  const hosted = await ada.client.meetings.start({
    ...{ label: 'Plans', mediaKey: 'media of ada', people: [address('bob')] },
    ends: Math.floor(bridge.clock.now() / 1000) + 3600,
  });
  const { iss, group } = hosted;
  const joined = await bob.client.meetings.join({
    iss,
    group,
    host: address('ada'),
    mediaKey: 'media of bob',
  });
  for await (const { type } of joined.events()) if (type === 'placed') break;
  for await (const _participant of joined.roster()) {
    // to the last
  }
  await listMembers(acme, bob, { iss, group });
  await renewPresence(acme, bob, { iss, group });
  await joined.leave();
  await hosted.end();
}

/** Our client does when half a day is over. */
async function renewPresence(
  { bridge, traffic }: TwoCompanies['acme'],
  app: PersonApp,
  meeting: { iss: string; group: string },
): Promise<void> {
  const { sig } = await app.secrets();
  const proof = traffic.exchanges
    .filter(({ path }) => path === '/v1/meetings/presence')
    .map(({ body }): string => JSON.parse(body ?? '').proof)
    .findLast((each) => readHeader(each).kid === sig.kid);
  const shown = decodeClaims(proof ?? '', 'presence+jwt', presenceSchema);
  const { media_key: _media, ephemeral: _ephemeral, ...claims } = shown;
  const renewal = await signPresenceRenewal(sig, { ...claims, presence: sha256Base64url(proof ?? '') });
  const path = '/v1/meetings/presence/renewals';
  const headers = await deviceHeaders(bridge, app, { method: 'POST', path });
  await traffic.fetch(`${bridge.issuer}${path}`, {
    ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
    body: JSON.stringify({ ...meeting, renewal }),
  });
}

/** Our client asks for them where it came later than others; here it was told of each. */
async function listMembers(
  { bridge, traffic }: TwoCompanies['acme'],
  app: PersonApp,
  meeting: { iss: string; group: string },
): Promise<void> {
  const path = '/v1/meetings/members';
  const headers = await deviceHeaders(bridge, app, { method: 'POST', path });
  await traffic.fetch(`${bridge.issuer}${path}`, {
    ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
    body: JSON.stringify(meeting),
  });
}
