import { afterEach, describe, expect, it } from 'vitest';
import type { Asker } from '../../bridge/binding/services.ts';
import { createWatches } from '../../bridge/binding/watches.ts';
import { setDomainCheck } from '../../bridge/directory/domains.ts';
import { type Change, succeeded } from '../../bridge/events/succeeded.ts';
import type { Action, DecisionRequest } from '../../bridge/policy/decision.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { verifyIdentityAttributes } from '../../protocol/identity-attributes.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { enrol } from '../fakes/client-side.ts';
import { revoke } from './revoke.ts';

const ALICE = 'alice@acme.example';
const NOBODY = 'nobody@acme.example';

const bob: Asker = {
  principal: { kind: 'person', id: 'bob', assurance: 'member', endorsed: true, connection: 'idp-1' },
  context: { signIn: { protocol: 'oidc', amr: ['pwd'], multiFactor: false, age: 60 } },
  audience: 'device-of-bob',
};
const globex: Asker = {
  principal: {
    ...{ kind: 'partner', id: 'https://bridge.globex.example', status: 'active' },
    domains: ['globex.example'],
  },
  context: {},
  audience: 'https://bridge.globex.example',
};

const BOB = 'bob@acme.example';

const HIDES_ONE = `
@id("hide-one")
@reason("Nobody finds somebody-7.")
forbid (
  principal,
  action == Countersign::Action::"find",
  resource == Countersign::Address::"somebody-7@acme.example"
);
`;

/** Of the store, by all parts of the bridge. */
let readCount = 0;
let parts: BridgeParts;
let asked: DecisionRequest[];

afterEach(() => parts.remove());

/** Alice, enrolled where policy denies this beside what it denies anyway, and says what it was asked. */
async function enrolledWhere(denies: (request: DecisionRequest) => boolean): Promise<string> {
  asked = [];
  parts = await bridgeParts({
    replace: ({ policy, database }) => ({
      database: counted(database),
      policy: Object.create(policy, {
        decide: {
          value: (request: DecisionRequest) => {
            asked.push(request);
            if (!denies(request)) return policy.decide(request);
            const policies = ['hide'];
            return { effect: 'deny', policy: 'hide', reason: 'Hidden.', hash: policy.hash, policies };
          },
        },
      }),
    }),
  });
  const alice = await parts.addPerson({ name: 'Alice Smith', addresses: [ALICE] });
  await enrol(parts, alice);
  asked = [];
  return alice;
}

function counted(database: Database): Database {
  return new Proxy(database, {
    get(target, name) {
      if (name === 'read') readCount += 1;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

const isAction =
  (...actions: Action[]) =>
  ({ action }: DecisionRequest) =>
    actions.includes(action);

async function toldTo(asker: Asker) {
  const answer = await parts.credentials.forAddress(ALICE, asker);
  if (answer.status !== 'credential') return answer.status;
  const { attributes } = answer.credential;
  if (attributes === undefined) return null;
  const expected = { aud: asker.audience, sub: answer.sub };
  const now = Math.floor(parts.clock.now() / 1000);
  return verifyIdentityAttributes(attributes, parts.signer.onlineKeys(), expected, now);
}

describe('whom policy hides', () => {
  it('is answered for exactly as an address that nobody ever had', async () => {
    await enrolledWhere(isAction('find'));
    const answers = await parts.credentials.forAddresses([ALICE, NOBODY], globex);
    expect(answers.get(ALICE)).toEqual({ status: 'not_found' });
    expect(answers.get(ALICE)).toEqual(answers.get(NOBODY));
  });

  it('stays hidden when the key is revoked', async () => {
    await enrolledWhere(isAction('find'));
    await revoke(parts, ALICE, 'reset');
    expect((await parts.credentials.forAddress(ALICE)).status).toBe('revoked_pending');
    expect(await parts.credentials.forAddress(ALICE, bob)).toEqual({ status: 'not_found' });
  });

  it('is found by those whom policy lets', async () => {
    await enrolledWhere(({ action, principal }) => action === 'find' && principal.kind === 'partner');
    expect((await parts.credentials.forAddress(ALICE, bob)).status).toBe('credential');
    expect((await parts.credentials.forAddress(ALICE, globex)).status).toBe('not_found');
  });

  it('is told apart from others by owner, domain and assurance', async () => {
    const alice = await enrolledWhere(() => false);
    await parts.credentials.forAddresses([ALICE, NOBODY], globex);
    expect(asked.filter(isAction('find'))).toEqual([
      {
        action: 'find',
        principal: globex.principal,
        resource: { kind: 'address', id: ALICE, owner: alice, domain: 'acme.example', assurance: 'member' },
        context: {},
      },
    ]);
  });
});

describe('a watch', () => {
  it('may tell of whom the watcher may find, of addresses that were anybody’s or nobody’s', async () => {
    await enrolledWhere(({ action, resource }) => action === 'find' && resource.owner !== undefined);
    expect(await parts.credentials.findable([ALICE, NOBODY], bob)).toEqual(new Set([NOBODY]));
  });

  it('is asked for addresses on a domain that is not ours any more by what they still show', async () => {
    await enrolledWhere(() => false);
    await parts.database.transaction((tx) =>
      setDomainCheck(tx, 'acme.example', { status: 'pending', verified: null, checked: 0, failures: 3 }),
    );
    asked = [];
    await parts.credentials.findable([ALICE], bob);
    expect(asked.map(({ resource }) => resource)).toEqual([
      { kind: 'address', id: ALICE, domain: 'acme.example' },
    ]);
  });
});

async function revokeWithEvent(address: string): Promise<void> {
  const { sub, version, key_version } = await revoke(parts, address, 'reset');
  const change: Change = {
    type: 'statement.revoked',
    subject: { sub, address },
    data: { version, key_version, statement_hash: 'h' },
  };
  const by = { requestId: 'r', actor: { kind: 'system' } } as const;
  await parts.database.transaction((tx) => parts.events.append(tx, succeeded(change, by)));
}

describe('a watch of two, of whom policy hides one', () => {
  it('tells of the other alone, what was missed and what comes', async () => {
    await enrolledWhere(({ action, resource }) => action === 'find' && resource.id === ALICE);
    const { who } = await enrol(parts, await parts.addPerson({ addresses: [BOB] }));
    const watches = createWatches({
      ...{ ...parts, tokenEnd: async () => Number.MAX_SAFE_INTEGER },
      foreignChanges: async () => [],
    });
    watches.start();
    const ending = new AbortController();
    const told = watches.watch(who, { addresses: [ALICE, BOB], since: 1 })(ending.signal);
    const missed = await told.next();
    expect(missed.value?.changes).toEqual([{ address: BOB, reason: 'published' }]);
    const coming = told.next();
    for (const address of [ALICE, BOB]) await revokeWithEvent(address);
    await parts.events.settled();
    expect((await coming).value?.changes).toEqual([{ address: BOB, reason: 'revoked' }]);
    ending.abort();
    await watches.stop();
  });
});

describe('deciding who is found', () => {
  const addresses = Array.from({ length: 100 }, (_, index) => `somebody-${index}@acme.example`);

  it('is one question for all of whom the same is known, while no policy names anybody', async () => {
    await enrolledWhere(() => false);
    const found = await parts.credentials.findable(addresses, bob);
    expect(found.size).toBe(100);
    expect(asked.map(({ action }) => action)).toEqual(['find']);
  });

  it('is a question for each where a policy names somebody, and hides that one alone', async () => {
    const change = (content: PolicyContent): PolicyContent => ({
      ...content,
      policies: { ...content.policies, 'one.cedar': HIDES_ONE },
    });
    parts = await bridgeParts({ policy: { change } });
    const found = await parts.credentials.findable(addresses, bob);
    expect(addresses.filter((address) => !found.has(address))).toEqual(['somebody-7@acme.example']);
  });

  it('reads nothing more from the store than answering does', async () => {
    await enrolledWhere(() => false);
    const reads = async (asker?: Asker) => {
      const before = readCount;
      await parts.credentials.forAddress(ALICE, asker);
      return readCount - before;
    };
    await reads(bob);
    expect([await reads(bob), await reads(globex)]).toEqual([await reads(), await reads()]);
  });
});

describe('the attributes of a person', () => {
  it('hold the name without the sign-in', async () => {
    await enrolledWhere(isAction('see-sign-in'));
    const told = await toldTo(bob);
    expect(told).toMatchObject({ name: 'Alice Smith', organization: 'Acme' });
    expect(told).not.toHaveProperty('sign_in');
  });

  it('hold the sign-in without the name', async () => {
    await enrolledWhere(isAction('see-name'));
    const told = await toldTo(bob);
    expect(told).toMatchObject({ organization: 'Acme', sign_in: { protocol: 'oidc' } });
    expect(told).not.toHaveProperty('name');
  });

  it('are none where neither may be seen: then it is the address alone', async () => {
    await enrolledWhere(isAction('see-name', 'see-sign-in'));
    expect(await toldTo(bob)).toBeNull();
  });

  it('are asked for by whose they are and how the asker signed in', async () => {
    const alice = await enrolledWhere(() => false);
    await toldTo(bob);
    const resource = { kind: 'person', id: alice, owner: alice, assurance: 'member' };
    const { principal, context } = bob;
    expect(asked.slice(1)).toEqual([
      { action: 'see-name', principal, resource, context },
      { action: 'see-sign-in', principal, resource, context },
    ]);
  });

  it('of one asker are never those of another who is told more', async () => {
    await enrolledWhere(({ action, principal }) => action === 'see-name' && principal.id === 'carol');
    const carol = { ...bob, principal: { ...bob.principal, id: 'carol' } } as Asker;
    expect(await toldTo(bob)).toHaveProperty('name');
    expect(await toldTo(carol)).not.toHaveProperty('name');
    expect(await toldTo(bob)).toHaveProperty('name');
  });
});
