import { meetingBridgeRequestSchema, meetingBridgeResponses } from '../../../protocol/meetings/federation.ts';
import { signPresence } from '../../../protocol/presence.ts';
import { signPresenceRenewal } from '../../../protocol/presence-renewal.ts';
import { type Company, testDigest } from '../company.ts';
import { GROUP } from '../meetings/meeting.ts';
import { exchangeBetween } from './between-bridges.ts';
import { meetingObjects } from './meeting-objects.ts';
import { presenceOf, renewalOf } from './personal-objects.ts';
import { nameOf, type SignedObject, sign, testBytes } from './signed-object.ts';

type Act = keyof typeof meetingBridgeResponses;
type Claims = Readonly<Record<string, unknown>>;

/** What Globex asks the home of a meeting, Acme, of every kind, with what it is answered. */
export async function meetingExchanges(acme: Company, globex: Company): Promise<SignedObject[]> {
  const { request, response } = await exchangeBetween(globex, acme);
  const asked = await questions(globex);
  const answered = await answers(acme, globex);
  return Object.entries(asked).flatMap(([name, { claims, optional = [] }]) => {
    const act = name as Act;
    const said = { group: GROUP, ...claims, act };
    return [
      request('meeting-request+jwt', meetingBridgeRequestSchema, said, { form: act, optional }),
      response('meeting-response+jwt', meetingBridgeResponses[act], answered[act], { form: act }),
    ];
  });
}

async function questions(
  globex: Company,
): Promise<Readonly<Record<Act, { readonly claims: Claims; readonly optional?: readonly string[] }>>> {
  const person = { sub: globex.person.sub, via: [testDigest('sales')] };
  const device_id = globex.device.sig.kid;
  const { proof, renewal, ...shown } = await evidenceOf(globex);
  return {
    state: { claims: person },
    members: { claims: { ...person, after: 0 }, optional: ['after'] },
    roster: { claims: { ...person, devices: [device_id] } },
    present: { claims: { ...person, device_id, evidence: { proof, ...shown } } },
    renew: { claims: { ...person, device_id, evidence: { renewal, ...shown } } },
    leave: { claims: { device_id, reason: 'left' } },
    admit: { claims: { people: [person] } },
    poll: { claims: { ...person, after: 3, wait: true } },
  };
}

async function answers(acme: Company, globex: Company): Promise<Readonly<Record<Act, Claims>>> {
  const tokens = new Map<string, string>();
  for (const object of await meetingObjects(acme)) tokens.set(nameOf(object), await sign(object));
  const message = {
    token: tokens.get('meeting-rekey+jwt, of version 2'),
    admission: tokens.get('meeting-admission+jwt'),
  };
  const { person, device } = globex;
  const device_id = device.sig.kid;
  const whose = { iss: globex.iss, sub: person.sub, device_id };
  const rekey = testDigest('rekey');
  const { address: _, ...hosts } = await evidenceOf(acme);
  const signer = {
    address: acme.person.address,
    ...{ credential: hosts.credential, device_binding: hosts.device_binding },
  };
  return {
    state: {
      state: {
        ...{ rekey: message.token, key_id: null, admission: message.admission },
        ...{ signers: [signer], seq: 3 },
      },
    },
    members: { members: { rekey, members: [{ leaf: 0, ...whose }] } },
    roster: { roster: { participants: [{ device_id, ...(await evidenceOf(globex)) }] } },
    present: { seq: 4 },
    renew: {},
    leave: {},
    admit: { admitted: [person.sub], seq: 4, pruned: 0 },
    poll: {
      messages: [
        { kind: 'rekey', seq: 4, body: message },
        { kind: 'placement', seq: 5, device_id, body: { rekey, box: testBytes('box') } },
        { kind: 'left', seq: 6, body: { ...whose, reason: 'left' } },
        { kind: 'group', seq: 7, body: { restricts: true } },
        { kind: 'ended', seq: 8, body: {} },
      ],
      through: 8,
    },
  };
}

/** What somebody of a company shows with the presence of their device. */
async function evidenceOf(company: Company) {
  const presence = presenceOf(company);
  const proof = await signPresence(company.device.sig, presence);
  return {
    ...{ proof, renewal: await signPresenceRenewal(company.device.sig, renewalOf(presence, proof)) },
    ...{ credential: await company.credential(), device_binding: await company.deviceBinding() },
    address: company.person.address,
  };
}
