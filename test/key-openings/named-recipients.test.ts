import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteDevice } from '../../bridge/directory/devices.ts';
import { createSealedKeyDeposits } from '../../bridge/groups/sealed-key-deposits.ts';
import type { Policy } from '../../bridge/policy/policy.ts';
import type { SealedKeyBody } from '../../protocol/groups/api.ts';
import { assertAdmin, verifyGroupKey } from '../../protocol/groups/group-key.ts';
import { verifySignerEvidence } from '../../protocol/groups/signer-evidence.ts';
import { type Recipients, type RecipientsBody, recipientsSchema } from '../../protocol/recipients/api.ts';
import { expectCode } from '../binding/expect-code.ts';
import { revoke } from '../binding/revoke.ts';
import { contextOf, type Enrolled, holder } from '../fakes/client-side.ts';
import { groupsOf, type MadeGroup } from '../fakes/group-side.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { makeGroupOf, open, receive, recipientGroup, sealKey } from './sealing.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from './two-bridges.ts';

const STAFF = { category: 'staff', sensitivity: 'low' };

let bridges: TwoBridges;
let acme: OpeningBridge;
/** Administers the personnel department’s group, in which Ada is, too. */
let paula: Enrolled;
let ada: Enrolled;
/** In no group. */
let bob: Enrolled;
let personnel: MadeGroup;
let policy: Policy;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme } = bridges);
  [paula, ada, bob] = [
    await acme.addEnrolled('paula'),
    await acme.addEnrolled('ada'),
    await acme.addEnrolled('bob'),
  ];
});
afterAll(() => bridges.close());

beforeEach(async () => {
  personnel = await makeGroupOf(acme, paula, [ada]);
  policy = naming(`group:${personnel.group}, %USER%`);
});

/** A policy by which files of the staff are for these. */
function naming(recipients: string, more = ''): Policy {
  const text = `@id("staff") @reason("A test.") @order("1") @recipients("${recipients}")
    permit (principal is Countersign::Person, action == Countersign::Action::"receive", resource is Countersign::Data)
    when { principal.assurance == "member" && resource.category == "staff" };\n${more}`;
  return testPolicy({
    change: (content) => ({ ...content, policies: { ...content.policies, 'recipients.cedar': text } }),
  });
}

function resolve(
  changes: Partial<RecipientsBody> = {},
  { who, by = policy }: { who?: Enrolled['who']; by?: Policy } = {},
): Promise<Recipients> {
  const asker = who ?? bob.who;
  const body = { ...STAFF, dataSubject: 'ada@acme.example', ...changes };
  return groupsOf(acme.parts, { policy: by }).recipients.resolve(asker, body, contextOf(asker));
}

async function deposit(data: SealedKeyBody['data'], by = policy, group = personnel) {
  const sealed = await sealKey(acme, bob, recipientGroup(group));
  const body = { ...sealed.body, ...(data === undefined ? {} : { data }) };
  await createSealedKeyDeposits({ ...acme, policy: by }).deposit(bob.who, body, contextOf(bob.who));
  return sealed;
}

describe('a question for recipients', () => {
  it('is answered with the policy, the group as its admin signed it, and people by their addresses', async () => {
    const answer = recipientsSchema.parse(await resolve({ dataSubject: 'Ada@acme.example' }));
    expect(answer).toMatchObject({ policy: 'staff', hash: policy.hash });
    const [named, person] = answer.recipients;
    expect(person).toEqual({ address: 'ada@acme.example' });
    if (named === undefined || !('group' in named)) throw new Error('no group');
    const { issuer, clock } = acme.parts;
    const signer = await verifySignerEvidence(named.group.signer, {
      issuer,
      policy: { level: 'signed', maxAge: 86_400 },
      now: Math.floor(clock.now() / 1000),
    });
    const claims = await verifyGroupKey(named.group.token, signer);
    assertAdmin(claims, signer);
    expect(claims).toMatchObject({ iss: acme.iss, group: personnel.group });
  });

  it('tells whoever is in no group neither the members nor who is shut out', async () => {
    const [named] = (await resolve()).recipients;
    if (named === undefined || !('group' in named)) throw new Error('no group');
    expect(Object.keys(named.group).sort()).toEqual(
      ['iss', 'group', 'token', 'signer', 'members_head', 'members_seq'].sort(),
    );
  });

  it('is one event for each group that was seen', async () => {
    await resolve();
    const seen = (await acme.parts.eventsSoFar()).filter(({ type }) => type === 'group.seen');
    expect(seen.at(-1)?.subject).toMatchObject({ sub: bob.who.sub, group: personnel.group });
  });

  it('names whoever asks by their enrolled address', async () => {
    const by = naming('%LOGGED_IN_USER%');
    expect((await resolve({}, { by })).recipients).toEqual([{ address: 'bob@acme.example' }]);
  });

  it('is refused where no policy fits, and where one forbids', async () => {
    await expectCode(resolve({ category: 'recipe' }), 'recipients_none');
    const by = naming(
      `group:${personnel.group}`,
      `@id("never") @reason("A test.") forbid (principal, action == Countersign::Action::"receive", resource);`,
    );
    await expectCode(resolve({}, { by }), 'recipients_none');
  });

  it('is refused where nobody said whom the data is about, and the policy names them', async () => {
    const { parts } = acme;
    const resolving = groupsOf(parts, { policy }).recipients.resolve(bob.who, STAFF, contextOf(bob.who));
    await expectCode(resolving, 'malformed_request');
    await expectCode(resolve({ dataSubject: 'nobody' }), 'address_invalid');
  });

  it('is refused to a device that nobody endorsed, and to somebody whose keys are revoked', async () => {
    const unendorsed = holder(bob.who.sub, bob.device, { endorsed: false });
    await expectCode(resolve({}, { who: unendorsed }), 'forbidden');
    const gone = await acme.addEnrolled('gone');
    await revoke(acme.parts, 'gone@acme.example', 'closed');
    await expectCode(resolve({}, { who: gone.who }), 'person_closed');
  });

  it('says to an administrator which group a policy names in vain', async () => {
    const meeting = await makeGroupOf(acme, paula, [], 'meeting');
    for (const group of ['A'.repeat(43), meeting.group]) {
      const resolving = resolve({}, { by: naming(`group:${group}`) });
      await expectCode(resolving, 'group_unknown');
      await expect(resolving).rejects.toThrow(
        `The policy staff names group:${group}, which is no durable group`,
      );
    }
  });

  it('says that an admin has to renew a group whose last signer’s device is gone', async () => {
    const leaver = await acme.addEnrolled('leaver');
    const { group } = await makeGroupOf(acme, leaver, []);
    await acme.parts.database.transaction((tx) => deleteDevice(tx, leaver.who.deviceId));
    await expectCode(resolve({}, { by: naming(`group:${group}`) }), 'group_untrusted');
  });
});

describe('a key for a group that policy names', () => {
  it('is taken from somebody who is not in it, and opened by its members', async () => {
    const { keyId, to, plaintext } = await deposit(STAFF);
    const opening = await open(acme, ada, to, keyId);
    expect(await receive(opening, ada, { to, keyId, sealerBridge: acme })).toEqual(plaintext);
  });

  it('is not opened by its sealer, nor by a member who was removed', async () => {
    const { keyId, to } = await deposit(STAFF);
    await expectCode(open(acme, bob, to, keyId), 'group_unknown');
    const without = await makeGroupOf(acme, paula, []);
    const other = await deposit(STAFF, naming(`group:${without.group}`), without);
    await expectCode(open(acme, ada, other.to, other.keyId), 'group_unknown');
  });

  it.each<[string, SealedKeyBody['data'], string]>([
    ['without saying for which data', undefined, 'group_unknown'],
    [
      'for data for which no policy names anybody',
      { category: 'recipe', sensitivity: 'low' },
      'recipients_none',
    ],
  ])('is not taken from them %s', async (_, data, code) => {
    await expectCode(deposit(data), code as 'group_unknown');
  });

  it('is not taken from them when the policy names another group by now', async () => {
    await expectCode(deposit(STAFF, naming(`group:${'A'.repeat(43)}`)), 'group_unknown');
  });

  it('is not taken from them where policy forbids to seal, whoever is named', async () => {
    const by = naming(
      `group:${personnel.group}`,
      '@id("no-seals") @reason("A test.") forbid (principal, action == Countersign::Action::"seal-key", resource);',
    );
    await expectCode(deposit(STAFF, by), 'forbidden');
  });
});
