import { seconds, systemClock } from '../../bridge/lib/clock.ts';
import { newId } from '../../bridge/lib/ids.ts';
import type { GroupRef } from '../../client/index.ts';
import { currentDevice, describeAccount } from '../../client/own-account.ts';
import { ADA, GWEN } from '../../demo/stage/people.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import { groupViewSchema, keyOpeningSchema, membersResultSchema } from '../../protocol/groups/api.ts';
import { signMembership } from '../../protocol/groups/membership.ts';
import { openTwoCompanies, type Participant, type TwoCompanies } from '../meeting/two-companies.ts';
import { answerParent } from '../processes/child.ts';

/** One removal: from its request until the next opening was refused. */
export interface Revocation {
  readonly removedMs: number;
  readonly refusedMs: number;
}

interface Opened {
  readonly companies: TwoCompanies;
  readonly group: GroupRef;
  readonly keyId: string;
}

/** Two real bridges, and the apps of Ada at home and of Gwen at the partner, all in this process. */
let opened: Opened | undefined;

const handlers = {
  async begin(): Promise<void> {
    const companies = await openTwoCompanies();
    const { ada } = companies;
    const { iss, group: id } = await ada.client.groups.create({ kind: 'durable', label: 'Bench' });
    const group = { iss, group: id, expected: ADA.address };
    const { keyId } = await ada.client.groups.sealKey(group);
    opened = { companies, group, keyId };
  },
  /** At home: the member is Ada, who asks the bridge that removes her. */
  revokeAtHome: () => revoke((companies) => companies.ada, ADA.address),
  /** Gwen, who asks her own bridge, which asks the one that removes her. */
  revokePartner: () => revoke((companies) => companies.gwen, GWEN.address),
};
export type RevocationProcess = typeof handlers;

async function revoke(
  memberOf: (companies: TwoCompanies) => Participant,
  address: string,
): Promise<Revocation> {
  if (opened === undefined) throw new Error('nothing is open');
  const { companies, group, keyId } = opened;
  const { ada } = companies;
  const member = memberOf(companies);
  await ada.client.groups.add(group, { people: [address] });
  await openOnce(member, group, keyId);
  const body = await removalOf(ada, group, member);
  const begun = performance.now();
  await ada.parts.api.post(`/v1/groups/${group.group}/members`, body, membersResultSchema);
  const removed = performance.now();
  const code = await openOnce(member, group, keyId).then(
    () => 'opened',
    (error: unknown) => (isCountersignError(error) ? error.code : String(error)),
  );
  const refused = performance.now();
  if (code !== 'group_unknown') throw new Error(`the removed member is answered ${code}`);
  return { removedMs: removed - begun, refusedMs: refused - begun };
}

/** The request alone: what the device does with the answer is not the bridge's. */
function openOnce({ parts }: Participant, { iss, group }: GroupRef, keyId: string) {
  const body = { request_id: newId(), to: { iss, group }, key_id: keyId };
  return parts.api.post('/v1/key-openings', body, keyOpeningSchema);
}

/** Signed before the clock runs, as a client has it ready that has asked "remove?". */
async function removalOf({ parts }: Participant, { iss, group }: GroupRef, member: Participant) {
  const view = await parts.api.post('/v1/groups/view', { iss, group }, groupViewSchema);
  const { verified } = await describeAccount(member.parts);
  if (verified === null) throw new Error('the member is not enrolled');
  const { statement } = verified;
  const { sig } = await currentDevice(parts.context);
  const token = await signMembership(sig, {
    ...{ v: 1, act: 'remove', iss, group, seq: view.members_seq, group_key_version: 0 },
    member: { iss: statement.iss, sub: statement.sub, key_version: statement.key_version },
    nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(32))),
    ...{ iat: seconds(systemClock), prev: view.members_head },
  });
  return { request_id: newId(), tokens: [token], transform_keys: [] };
}

answerParent(handlers, () => opened?.companies.close());
