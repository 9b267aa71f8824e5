import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { keyspace } from '../../bridge/storage/cache.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { labelled } from '../../protocol/canonical-json.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { type PolicyContent, policyDocument, policyHash } from '../../protocol/policy-bundle.ts';
import { SOON } from '../fakes/soon.ts';
import { withLifetimes } from '../fakes/test-lifetimes.ts';
import { codeOf } from '../protocol/codes.ts';
import { LOOK_UP, type PolicyFixture, policyFixture, type Replica } from './policy-fixture.ts';

const SHIPPED = readDefaultContent();
const NOBODY_LOOKS_UP: PolicyContent = {
  ...SHIPPED,
  policies: {
    ...SHIPPED.policies,
    'closed.cedar':
      '@id("closed")\n@reason("Nobody looks anything up.")\n' +
      'forbid (\n  principal,\n  action == Countersign::Action::"look-up",\n  resource\n);\n',
  },
};
const SHORT_LIVED = withLifetimes({ binding: { default: 3_600, room: 7_200 } })(SHIPPED);

let fixture: PolicyFixture;

beforeEach(async () => {
  fixture = await policyFixture();
});

afterEach(async () => {
  await fixture.remove();
});

const deciding = ({ policy }: Replica) => {
  const { effect, policy: id } = policy.decide(LOOK_UP);
  return `${effect} ${id}`;
};
/** As a process that starts has it. */
const inForce = async () => deciding(await fixture.replica());

describe('a new store', () => {
  it('begins with the policy that is shipped, signed, in the key log, and reported', async () => {
    const { policy } = await fixture.replica();
    expect(policy.hash).toBe(policyHash(SHIPPED));
    expect(policy.decide(LOOK_UP).effect).toBe('allow');
    expect(policy.current?.version).toBe(0);
    expect(policy.reasons()).toEqual([]);
    expect(policy.warnings()).toEqual([]);
    const logged = await fixture.database.read((query) =>
      query.selectFrom('logged_versions').selectAll().where('kind', '=', 'policy').execute(),
    );
    expect(logged).toMatchObject([{ version: 0, value_hash: policy.hash, value: policyDocument(SHIPPED) }]);
    const [activated] = (await fixture.events()).filter(({ type }) => type === 'policy.activated');
    expect(activated?.data).toEqual({ version: 0, hash: policy.hash });
    expect(activated?.actor).toEqual({ kind: 'system' });
  });

  it('has one first version, however many processes begin at the same time', async () => {
    const replicas = await Promise.all([fixture.replica(), fixture.replica(), fixture.replica()]);
    expect(replicas.map(({ policy }) => policy.current?.version)).toEqual([0, 0, 0]);
    expect(await fixture.rows()).toHaveLength(1);
  });

  it('keeps what an administrator made of it, whatever is shipped later', async () => {
    await fixture.activate(await fixture.replica(), NOBODY_LOOKS_UP);
    expect(await inForce()).toBe('deny closed');
    expect(await fixture.rows()).toHaveLength(2);
  });
});

describe('a store from before there were bundles', () => {
  it('goes on from the number and the hash that its key log has', async () => {
    const before = labelled('policy', { engine: 'built-in/v1', rules: [], settings: { maxDevices: 20 } });
    await fixture.database.transaction((tx) =>
      createStagingLog().stage(tx, { kind: 'policy', name: 'policy', version: 0, value: before }),
    );
    const { policy } = await fixture.replica();
    expect(policy.current?.version).toBe(1);
    const [activated] = (await fixture.events()).filter(({ type }) => type === 'policy.activated');
    const previous = sha256Base64url(before);
    expect(activated?.data).toEqual({ version: 1, hash: policyHash(SHIPPED), previous });
  });
});

describe('another policy', () => {
  it('decides at once where it came into force, and soon where nobody was told', async () => {
    const one = await fixture.replica();
    const other = await fixture.replica();
    const { version, hash } = await fixture.activate(one, NOBODY_LOOKS_UP);
    expect(deciding(one)).toBe('deny closed');
    expect(one.policy.hash).toBe(hash);
    await vi.waitFor(() => expect(deciding(other)).toBe('deny closed'), SOON);
    expect(other.policy.current).toMatchObject({ version, hash });
  });

  it('is told to replicas that share a cache, so that they need not wait for their next look', async () => {
    const cache = new MemoryCache(fixture);
    const one = await fixture.replica(cache);
    const told = vi.fn();
    await keyspace(cache, 'policy').onWake('versions', told);
    await fixture.activate(one, NOBODY_LOOKS_UP);
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(1), SOON);
  });

  it('changes rules, lifetimes, document and hash together', async () => {
    const replica = await fixture.replica();
    const { policy } = replica;
    expect(policy.lifetimes.binding('room')).toBe(86_400);
    await fixture.activate(replica, SHORT_LIVED);
    expect(policy.lifetimes.binding('room')).toBe(7_200);
    expect(policy.lifetimes.binding('member')).toBe(3_600);
    expect(policy.document).toEqual(policyDocument(SHORT_LIVED));
    expect(policy.decide(LOOK_UP).hash).toBe(policyHash(SHORT_LIVED));
  });

  it('is not in force when its transaction is lost, and leaves nothing behind', async () => {
    const { policy, database } = await fixture.replica();
    const lost = database.transaction(async (tx) => {
      await policy.activate(tx, NOBODY_LOOKS_UP, { requestId: 'r', actor: { kind: 'system' } });
      throw new Error('the process was killed here');
    });
    await expect(lost).rejects.toThrow('killed');
    await policy.refresh();
    expect(policy.hash).toBe(policyHash(SHIPPED));
    expect(await fixture.rows()).toHaveLength(1);
    expect((await fixture.events()).filter(({ type }) => type === 'policy.activated')).toHaveLength(1);
  });

  it('is in force at the next start when the process ended right after the commit', async () => {
    const { policy, database } = await fixture.replica();
    await database.transaction((tx) =>
      policy.activate(tx, NOBODY_LOOKS_UP, { requestId: 'r', actor: { kind: 'system' } }),
    );
    await policy.stop();
    expect(await inForce()).toBe('deny closed');
  });

  it('gets one number, whoever else activates at the same time', async () => {
    const one = await fixture.replica();
    const other = await fixture.replica();
    const both = await Promise.allSettled([
      fixture.activate(one, NOBODY_LOOKS_UP),
      fixture.activate(other, SHORT_LIVED),
    ]);
    expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
    const rows = await fixture.rows();
    expect(rows.map(({ version }) => version)).toEqual(rows.map((_, index) => index));
    await Promise.all([one.policy.refresh(), other.policy.refresh()]);
    expect(one.policy.hash).toBe(rows.at(-1)?.hash);
    expect(other.policy.hash).toBe(rows.at(-1)?.hash);
  });

  it('is refused when it does not validate, and the one in force stays', async () => {
    const replica = await fixture.replica();
    const broken = { ...SHIPPED, policies: { 'broken.cedar': 'permit (principal' } };
    expect(await codeOf(() => fixture.activate(replica, broken))).toBe('policy_invalid');
    expect(deciding(replica)).toMatch(/^allow/);
    expect(await fixture.rows()).toHaveLength(1);
  });
});
