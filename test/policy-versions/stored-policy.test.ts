import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import {
  type PolicyContent,
  policyDocument,
  policyHash,
  verifyPolicyBundle,
} from '../../protocol/policy-bundle.ts';
import { SOON } from '../fakes/soon.ts';
import { codeOf } from '../protocol/codes.ts';
import { LOOK_UP, type PolicyFixture, policyFixture, type Replica } from './policy-fixture.ts';

const SHIPPED = readDefaultContent();
const LAX: PolicyContent = {
  ...SHIPPED,
  policies: {
    ...SHIPPED.policies,
    'lax.cedar':
      '@id("lax")\n@reason("Anybody looks up.")\n' +
      'permit (\n  principal,\n  action == Countersign::Action::"look-up",\n  resource\n);\n',
  },
};

let fixture: PolicyFixture;
let running: Replica;

beforeEach(async () => {
  fixture = await policyFixture();
  running = await fixture.replica();
});

afterEach(async () => {
  await fixture.remove();
});

/** A request that the shipped policy refuses. */
const STRANGER = { ...LOOK_UP, principal: { kind: 'anonymous', id: 'anonymous' } } as const;
const failures = async () => (await fixture.events()).filter(({ type }) => type === 'policy.failed');
const noticed = (replica: Replica) =>
  vi.waitFor(() => expect(replica.policy.reasons()).toHaveLength(1), SOON);

interface Slipped {
  readonly version: number;
  readonly hash: string;
  readonly content: string;
  readonly bundle: string;
}

/**
 * Puts a version into the store as somebody would who has the store, and none of the bridge's keys; and into what the key
 * log is to take up, unless they forgot that.
 */
async function slipIn(row: Slipped, committed: PolicyContent | null): Promise<void> {
  const beside = { activated: 1, activated_by: '"system"', draft: null };
  await fixture.database.transaction(async (tx) => {
    await tx
      .insertInto('policy_versions')
      .values({ ...row, ...beside })
      .execute();
    if (committed === null) return;
    const value = policyDocument(committed);
    const { version } = row;
    await createStagingLog().stage(tx, { kind: 'policy', name: 'policy', version, value });
  });
}

async function first() {
  const [row] = await fixture.rows();
  if (row === undefined) throw new Error('there is no version');
  return row;
}

const bundleOf = (changes: object) => {
  const claims = { iss: running.signer.iss, iat: Math.floor(fixture.clock.now() / 1000), content: LAX };
  const named = { version: 1, hash: policyHash(LAX), previous: policyHash(SHIPPED) };
  return running.signer.sign('statement', 'policy-bundle+jwt', { ...claims, ...named, ...changes });
};

describe('a version that somebody wrote into the store', () => {
  const forged = { version: 1, hash: policyHash(LAX), content: JSON.stringify(LAX) };

  it.each<[string, () => Promise<Slipped>]>([
    ['under the bundle of another version', async () => ({ ...forged, bundle: (await first()).bundle })],
    [
      'with another content than its hash and bundle',
      async () => {
        const { hash, bundle } = await first();
        return { ...forged, hash, bundle };
      },
    ],
    ['with a bundle for another number', async () => ({ ...forged, bundle: await bundleOf({ version: 2 }) })],
    [
      'with a bundle of another key',
      async () => {
        const other = await policyFixture();
        try {
          const { signer } = await other.replica();
          const claims = { iss: signer.iss, iat: 1, ...{ version: 1, hash: policyHash(LAX) } };
          const previous = policyHash(SHIPPED);
          const token = signer.sign('statement', 'policy-bundle+jwt', { ...claims, previous, content: LAX });
          return { ...forged, bundle: await token };
        } finally {
          await other.remove();
        }
      },
    ],
    ['with a content that is no JSON', async () => ({ ...forged, content: '{', bundle: await bundleOf({}) })],
    ['with a token that is none', async () => ({ ...forged, bundle: 'x.y.z' })],
  ])('is never taken up %s: the one in force stays, and it is told', async (_, made) => {
    const row = await made();
    await slipIn(row, row.hash === forged.hash ? LAX : SHIPPED);
    await noticed(running);
    expect(running.policy.decide(STRANGER).effect).toBe('deny');
    expect(running.policy.hash).toBe(policyHash(SHIPPED));
    expect(running.policy.reasons()[0]).toMatch(
      /^Version 1 of the policy cannot be taken up .*version 0 stays in force/,
    );
    await vi.waitFor(async () => expect(await failures()).toHaveLength(1), SOON);
    const [failed] = await failures();
    expect(failed?.data.reason).toMatch(/^version 1 cannot be taken up/);
  });

  it('is never taken up without the key log, whoever signed it', async () => {
    await slipIn({ ...forged, bundle: await bundleOf({}) }, null);
    await noticed(running);
    expect(running.policy.decide(STRANGER).effect).toBe('deny');
  });

  it('leaves nothing allowed at the next start: it falls back to no older or shipped policy', async () => {
    await slipIn({ ...forged, bundle: (await first()).bundle }, LAX);
    const { policy } = await fixture.replica();
    expect(policy.current).toBeUndefined();
    expect(policy.decide(LOOK_UP)).toMatchObject({ effect: 'deny', policy: 'engine-failed' });
    for (const read of [() => policy.hash, () => policy.lifetimes, () => policy.document]) {
      expect(await codeOf(async () => read())).toBe('policy_unavailable');
    }
    expect(policy.reasons()).toEqual([
      expect.stringMatching(/so everything is refused: run `countersign policy restore-defaults`/),
    ]);
  });

  it('is got rid of by activating another policy, also where none is in force', async () => {
    await slipIn({ ...forged, bundle: (await first()).bundle }, null);
    const started = await fixture.replica();
    await fixture.activate(started, SHIPPED);
    expect(started.policy.decide(LOOK_UP).effect).toBe('allow');
    expect(started.policy.reasons()).toEqual([]);
    const { hash } = await first();
    await vi.waitFor(() => expect(running.policy.current?.version).toBe(1), SOON);
    expect(running.policy.reasons()).toEqual([]);
    expect((await fixture.rows()).map((row) => [row.version, row.hash])).toEqual([
      [0, hash],
      [1, hash],
    ]);
  });
});

describe('the version in force', () => {
  it('is not changed under a bridge that runs, nor taken up by one that starts', async () => {
    await fixture.change(0, { content: JSON.stringify(LAX) });
    await running.policy.refresh();
    expect(running.policy.decide(STRANGER).effect).toBe('deny');
    const { policy } = await fixture.replica();
    expect(policy.decide(LOOK_UP)).toMatchObject({ effect: 'deny', policy: 'engine-failed' });
  });

  it('does not validate any more after an upgrade: nothing is allowed, and it is said why', async () => {
    // As an earlier release took it, whose schema had that attribute.
    const old = {
      ...SHIPPED,
      policies: { 'old.cedar': '@id("old")\npermit (principal, action, resource);\n' },
    };
    const named = { hash: policyHash(old), content: JSON.stringify(old) };
    await slipIn({ version: 1, ...named, bundle: await bundleOf({ content: old, hash: named.hash }) }, old);
    const { policy } = await fixture.replica();
    expect(policy.decide(LOOK_UP)).toMatchObject({ effect: 'deny', policy: 'engine-failed' });
    expect(policy.reasons()[0]).toMatch(/^Version 1 of the policy cannot be taken up \(.*old\.cedar/);
  });

  it('that was written for another schema is in force, with a warning', async () => {
    const other = { ...SHIPPED, schema: `${SHIPPED.schema}\n// of another release\n` };
    await fixture.activate(running, other);
    expect(running.policy.decide(LOOK_UP).effect).toBe('allow');
    expect(running.policy.reasons()).toEqual([]);
    expect(running.policy.warnings()).toEqual([expect.stringContaining('schema of another release')]);
  });
});

describe('versions that were taken out of the store', () => {
  const without = (least: number) =>
    fixture.database.transaction((tx) =>
      tx.deleteFrom('policy_versions').where('version', '>=', least).execute(),
    );

  it.each([
    ['the newest', 1],
    ['all of them', 0],
  ])(
    '%s: nothing is allowed at the next start, by no older policy and by no shipped one',
    async (_, least) => {
      await fixture.activate(running, LAX);
      await without(least);
      const { policy } = await fixture.replica();
      expect(policy.decide(LOOK_UP)).toMatchObject({ effect: 'deny', policy: 'engine-failed' });
      expect(policy.reasons()).toHaveLength(1);
      expect(await failures()).toHaveLength(1);
      await running.policy.refresh();
      expect(running.policy.hash).toBe(policyHash(LAX));
    },
  );
});

describe('the keys that sign bundles', () => {
  const verified = async (replica: Replica) => {
    const { policy, signer } = replica;
    const now = Math.floor(fixture.clock.now() / 1000);
    return verifyPolicyBundle(policy.current?.bundle ?? '', signer.onlineKeys(), now, { hash: policy.hash });
  };

  it('may be rotated: what they signed verifies on, also years later', async () => {
    for (let year = 0; year < 3; year++) {
      fixture.clock.advance(80 * 86_400);
      await fixture.rotate();
      await running.signer.refresh();
    }
    expect((await verified(running)).version).toBe(0);
    expect((await fixture.replica()).policy.reasons()).toEqual([]);
  });

  it('may be rotated by another replica just before it signs', async () => {
    await fixture.rotate();
    const fresh = await fixture.replica();
    await fixture.activate(fresh, LAX);
    await vi.waitFor(() => expect(running.policy.hash).toBe(policyHash(LAX)), SOON);
  });

  it('were compromised: what the key log committed to is signed anew, and verifies in every replica', async () => {
    await fixture.activate(running, LAX);
    const other = await fixture.replica();
    const { kid } = JSON.parse(atob((await first()).bundle.split('.')[0] ?? ''));
    await fixture.rotate([kid]);
    for (const replica of [running, other]) {
      await replica.signer.refresh();
      await vi.waitFor(async () => expect((await verified(replica)).version).toBe(1), SOON);
    }
    expect((await fixture.replica()).policy.hash).toBe(policyHash(LAX));
    const keys = running.signer.onlineKeys();
    for (const { bundle, hash, version } of await fixture.rows()) {
      const bundled = await verifyPolicyBundle(bundle, keys, Math.floor(fixture.clock.now() / 1000));
      expect(bundled).toMatchObject({ hash, version });
    }
  });

  it('were compromised, and signed for what the key log has not: that is not signed anew', async () => {
    await slipIn(
      {
        version: 1,
        hash: policyHash(LAX),
        content: JSON.stringify(LAX),
        bundle: await bundleOf({}),
      },
      null,
    );
    const { kid } = JSON.parse(atob((await first()).bundle.split('.')[0] ?? ''));
    await fixture.rotate([kid]);
    const { policy } = await fixture.replica();
    expect(policy.decide(LOOK_UP)).toMatchObject({ effect: 'deny', policy: 'engine-failed' });
  });
});

describe('decisions that the engine could not make', () => {
  it('are reported, and not each of thousands', async () => {
    for (let count = 0; count < 50; count++) {
      const { effect, policy } = running.policy.decide({
        ...LOOK_UP,
        resource: { kind: 'bridge', id: '\ud800' },
      });
      expect(`${effect} ${policy}`).toBe('deny engine-failed');
    }
    await running.policy.refresh();
    const reported = await failures();
    expect(reported.map(({ data }) => data)).toEqual([
      expect.objectContaining({ action: 'look-up', hash: running.policy.hash }),
    ]);
  });
});
