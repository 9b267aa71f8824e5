import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { makeOfficerKey, readOfficerFile, releaseShare } from '../../bridge/cli/officer-key.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import type { OrganizationRecovery } from '../../client/client.ts';
import { createMemoryPinStore } from '../../client/index.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import type { RecoveryCase, RecoveryKey } from '../../protocol/escrow/organization-api.ts';
import { escrowShareContext, releasedShareContext } from '../../protocol/escrow/organization-escrow.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { decodeVault } from '../../protocol/vault.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { openSealed } from '../../recrypt/sealed-box.ts';
import { expectCode } from '../binding/expect-code.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { installOnDevice, type OnDevice, signInOnDevice } from '../rotation/client-on-device.ts';
import { approveAs, type OfficerSeat, privateHalfOf, takeSeat } from './officer-seat.ts';
import { anotherAdministrator } from './register-halves.ts';

const label = 'Phone';

let companies: TwoCompanies;
let first: OfficerSeat;
let second: OfficerSeat;
/** What the company tells its people. */
let fingerprint: string;

beforeAll(async () => {
  companies = await startTwoCompanies('offered');
  const early = await recoveryKey();
  expect(early.fingerprint).toBeNull();
  first = await takeSeat(companies, 'Olga');
  second = await takeSeat(companies, 'Otto');
  fingerprint = (await recoveryKey()).fingerprint ?? '';
});
afterAll(async () => {
  for (const { terminal } of [first, second]) await terminal.remove();
  await companies.close();
});

function recoveryKey(): Promise<RecoveryKey> {
  return companies.acme.bridge.administrator.get('/admin/v1/recovery-key');
}

/** The same administrator, with another token that they made with theirs. */
async function withChildToken(officer: OfficerSeat, name: string): Promise<OfficerSeat> {
  const response = await companies.stage.fetch(`${companies.acme.bridge.issuer}/admin/v1/tokens`, {
    method: 'POST',
    headers: {
      ...{ authorization: `Bearer ${officer.env.COUNTERSIGN_TOKEN}`, 'content-type': 'application/json' },
    },
    body: JSON.stringify({ name }),
  });
  const { token } = z.object({ token: z.string() }).parse(await response.json());
  return { ...officer, env: { ...officer.env, COUNTERSIGN_TOKEN: token } };
}

async function onDevice(
  name: string,
  options: Parameters<typeof installOnDevice>[2] = {},
): Promise<OnDevice> {
  const app = installOnDevice(companies, companies.acme, {
    confirmDevices: (devices) => devices.map(({ device_id }) => device_id),
    ...options,
  });
  await signInOnDevice(companies, companies.acme, app, name);
  return app;
}

/** Somebody on a new device, enrolled with an escrow to the organization. */
async function enrolled(name: string): Promise<OnDevice> {
  const before = await onDevice(name);
  const { sub, verified } = await before.client.me();
  if (verified !== null) {
    await companies.acme.bridge.administrator.post(`/admin/v1/persons/${sub}/reset`, {});
  }
  const app = verified === null ? before : await onDevice(name);
  await app.client.enrol({ label: 'Laptop', escrow: { organization: true, fingerprint } });
  return app;
}

function caseOf({ id }: Pick<OrganizationRecovery, 'id'>): Promise<RecoveryCase> {
  return companies.acme.bridge.administrator.get(`/admin/v1/recoveries/${id}`);
}

describe('the recovery key', () => {
  it('is made by two administrators, each of whom has one half in a file that a passphrase closes', async () => {
    const { halves } = await recoveryKey();
    expect(halves.map(({ administrator }) => administrator)).toEqual(['Olga', 'Otto']);
    const text = await readFile(first.path, 'utf8');
    expect(text).not.toContain(Buffer.from(await privateHalfOf(first)).toString('base64url'));
    const { half } = readOfficerFile(second.path);
    expect(text).not.toContain(half.x);
  });

  it('takes no half without proof, none by the same administrator, and no third', async () => {
    const { administrator, issuer } = companies.acme.bridge;
    const { engine } = companies.stage;
    const { registration } = await makeOfficerKey(engine, issuer);
    const path = '/admin/v1/recovery-key/halves';
    const other = preToJwk(engine.generateKeyPair().publicKey);
    const unproven = await administrator.refusal(path, { ...registration, half: other });
    expect(unproven.code).toBe('recovery_half');
    expect((await administrator.refusal(path, registration)).code).toBe('recovery_half');
    const again = join(first.terminal.home, 'again.json');
    const { said } = await first.terminal.run(['recovery', 'init-officer', again], { env: first.env });
    expect(said).toContain('recovery_officer');
    await expect(readFile(again)).rejects.toThrow('ENOENT');
  });
});

describe('whoever registered one half', () => {
  const registerAgain = async ({ terminal, env }: OfficerSeat) => {
    const { said } = await terminal.run(['recovery', 'init-officer', join(terminal.home, 'more.json')], {
      env,
    });
    return said;
  };

  it('does not register the other one with a token that they made with theirs', async () => {
    expect(await registerAgain(await withChildToken(first, 'Somebody else'))).toContain('recovery_officer');
  });

  it('does not register the other one by a second link that they took under their name', async () => {
    const { token } = await anotherAdministrator(companies, ' olga');
    const env = { ...first.env, COUNTERSIGN_TOKEN: token };
    expect(await registerAgain({ ...first, env })).toContain('recovery_officer');
  });
});

describe('an enrolment with an escrow to the organization', () => {
  it('says so in the statement that peers verify', async () => {
    await enrolled('ada');
    const { acme, globex } = companies;
    const gwen = await globex.signIn('gwen');
    if ((await gwen.client.me()).verified === null) await gwen.client.enrol({ label: 'Laptop' });
    const [answer] = await gwen.client.lookUp([acme.address('ada')], { maxAge: 0 });
    expect(answer).toMatchObject({ status: 'verified', statement: { escrow: 'organization' } });
  });

  it('is refused by the client when the recovery key is not the one that the company told', async () => {
    const app = await onDevice('carol');
    const escrow = { organization: true, fingerprint: 'A'.repeat(43) } as const;
    await expectCode(app.client.enrol({ label, escrow }), 'recovery_key_changed');
    expect((await app.client.me()).verified).toBeNull();
  });

  it('is refused by the client when the recovery key is not the one that it pinned', async () => {
    const pinStore = createMemoryPinStore();
    const app = await onDevice('carol', { pinStore });
    const told = { organization: true, fingerprint: 'A'.repeat(43) } as const;
    await expectCode(app.client.enrol({ label, escrow: told }), 'recovery_key_changed');
    await pinStore.update(async (pins) => {
      if (pins === null) throw new Error('nothing is pinned');
      return { pins: { ...pins, recovery_key: 'A'.repeat(43) }, result: undefined };
    });
    await expectCode(app.client.enrol({ label, escrow: { organization: true } }), 'recovery_key_changed');
  });

  it('is not handed to a device that has only signed in, as one under a passphrase is', async () => {
    await enrolled('ada');
    const thief = await onDevice('ada');
    const passphrase = first.passphrase;
    await expectCode(thief.client.recoverDevice({ label, passphrase }), 'escrow_none');
  });
});

describe('a person who has lost all devices', () => {
  let phone: OnDevice;
  let recovery: OrganizationRecovery;

  beforeEach(async () => {
    await enrolled('bob');
    phone = await onDevice('bob');
    recovery = await phone.client.requestRecovery({ label });
  });

  it('gets the same keys back from two administrators, each step of which is an event', async () => {
    const listed = await first.terminal.run(['recovery', 'list'], { env: first.env });
    expect(listed.out).toContain('bob@acme.example');
    expect((await approveAs(first, recovery)).out).toContain('Another administrator');
    expect((await caseOf(recovery)).status).toBe('pending');
    expect((await approveAs(second, recovery)).out).toContain('are released');
    const { verified, device } = await recovery.waitForRelease();
    expect(verified.statement).toEqual((await caseOf(recovery)).current.statement);
    expect(device.device_id).toBe((await phone.keyStore.load())?.sig.kid);
    expect(await phone.client.checkOwnKeys()).toEqual([]);
    const { sub } = await phone.client.me();
    const events = (await companies.acme.bridge.events()).filter((event) => event.subject?.sub === sub);
    const steps = events.filter(({ data }) => 'recovery' in data && data.recovery === recovery.id);
    expect(steps.map(({ type }) => type)).toEqual([
      ...['recovery.requested', 'recovery.approved', 'recovery.approved', 'recovery.released'],
    ]);
    expect(steps.map(({ actor }) => ('name' in actor ? actor.name : actor.kind))).toEqual([
      ...['person', 'Olga', 'Otto', 'Otto'],
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'device.added', data: { label, method: 'organization' } });
  });

  it('gets back what a rotation brought, which no administrator was asked for', async () => {
    await approveAs(first, recovery);
    await approveAs(second, recovery);
    await recovery.waitForRelease();
    await phone.client.rotateKeys();
    const tablet = await onDevice('bob');
    const again = await tablet.client.requestRecovery({ label: 'Tablet' });
    await approveAs(first, again);
    await approveAs(second, again);
    const { verified } = await again.waitForRelease();
    expect(verified.statement.key_version).toBe((await phone.client.me()).verified?.statement.key_version);
    expect((await tablet.client.me()).devices).toHaveLength(3);
  });

  it('gets nothing when the same administrator approves with both halves', async () => {
    await approveAs(first, recovery);
    expect((await approveAs(first, recovery, second)).said).toContain('recovery_officer');
    expect((await caseOf(recovery)).approvals).toBe(1);
  });

  it('gets nothing from one administrator with a second token that they made with theirs', async () => {
    await approveAs(first, recovery);
    const child = await withChildToken(first, 'Somebody else');
    expect((await approveAs(child, recovery, second)).said).toContain('recovery_officer');
    expect(await caseOf(recovery)).toMatchObject({ approvals: 1, status: 'pending' });
  });

  it('gets nothing from one administrator, twice', async () => {
    await approveAs(first, recovery);
    expect((await approveAs(second, recovery, first)).said).toContain('recovery_half');
    expect((await caseOf(recovery)).status).toBe('pending');
  });

  it('is told when an administrator refuses', async () => {
    await approveAs(first, recovery);
    const refusal = ['recovery', 'refuse', recovery.id, '--yes'];
    expect((await second.terminal.run(refusal, { env: second.env })).code).toBe(0);
    await expectCode(recovery.waitForRelease(), 'recovery_refused');
    expect((await approveAs(second, recovery)).said).toContain('recovery_state');
    const refused = (await companies.acme.bridge.events()).filter(({ type }) => type === 'recovery.refused');
    expect(refused).toMatchObject([{ data: { recovery: recovery.id } }]);
  });

  it('has nothing of a request that was made for keys before a reset', async () => {
    await approveAs(first, recovery);
    await enrolled('bob');
    expect((await approveAs(second, recovery)).said).toContain('recovery_unknown');
  });
});

describe('what an administrator, or the bridge, has of it alone', () => {
  let asking: OnDevice;
  let recovery: OrganizationRecovery;
  let asked: RecoveryCase;

  beforeAll(async () => {
    await enrolled('bob');
    asking = await onDevice('bob');
    recovery = await asking.client.requestRecovery({ label });
    asked = await caseOf(recovery);
  });

  it.each([
    ['first', () => first, 0],
    ['second', () => second, 1],
  ] as const)(
    'is a random share for the %s administrator, and nothing of the other one’s',
    async (_, who, own) => {
      const { engine } = companies.stage;
      const privateKey = await privateHalfOf(who());
      const boxes = [asked.escrow.box, asked.escrow.second_box ?? ''].map((box) => decodeBase64url(box));
      const halves = (await recoveryKey()).halves.map(({ half }) => half);
      const open = async (index: number) => {
        const [box, half] = [boxes[index], halves[index]];
        if (box === undefined || half === undefined) throw new Error('there are two');
        return openSealed(engine, privateKey, box, escrowShareContext(asked.current.statement, half), 0);
      };
      const share = await open(own);
      expect(() => decodeVault(share)).toThrow();
      await expectCode(open(1 - own), 'recrypt_decrypt_failed');
    },
  );

  it('is sealed to the asking device, when the bridge has both shares, and opens with neither half', async () => {
    await approveAs(first, recovery);
    await approveAs(second, recovery);
    const { store } = companies.acme.bridge;
    const rows = await store.read((query) =>
      query.selectFrom('recovery_shares').selectAll().where('recovery', '=', recovery.id).execute(),
    );
    expect(rows).toHaveLength(2);
    const { halves } = await recoveryKey();
    for (const { share, half: name } of rows) {
      const half = halves.map((one) => one.half).find((key) => thumbprint(key) === name);
      if (half === undefined) throw new Error('it is one of the two');
      const aad = releasedShareContext(asked.current.statement, half, recovery);
      for (const officer of [first, second]) {
        const opening = openSealed(companies.stage.engine, await privateHalfOf(officer), share, aad, 0);
        await expectCode(opening, 'recrypt_decrypt_failed');
      }
      const device = (await asking.keyStore.load())?.pre;
      if (device === undefined) throw new Error('it has a key');
      expect(await openSealed(companies.stage.engine, device, share, aad, 0)).not.toHaveLength(0);
    }
  });

  it('is not given to a device that the bridge has put in the place of the one that was compared', async () => {
    const { engine } = companies.stage;
    const officer = { file: readOfficerFile(first.path), passphrase: first.passphrase };
    const told = { address: asked.address, fingerprint: recovery.fingerprint };
    const swapped = { ...asked, device_key: preToJwk(engine.generateKeyPair().publicKey) };
    await expectCode(releaseShare(engine, officer, swapped, told), 'device_comparison');
  });

  it('is not given when the bridge has put another person’s keys in the place of those asked for', async () => {
    const { engine } = companies.stage;
    await enrolled('ada');
    const other = await caseOf(await (await onDevice('ada')).client.requestRecovery({ label }));
    const officer = { file: readOfficerFile(first.path), passphrase: first.passphrase };
    const told = { address: asked.address, fingerprint: recovery.fingerprint };
    const swapped = { ...asked, escrow: other.escrow, current: other.current };
    await expectCode(releaseShare(engine, officer, swapped, told), 'recrypt_decrypt_failed');
  });
});

describe('a recovery that nobody answers', () => {
  it('ends after a day', async () => {
    await enrolled('carol');
    const phone = await onDevice('carol');
    const recovery = await phone.client.requestRecovery({ label });
    const { recoveries } = companies.acme.bridge.running.services;
    companies.acme.bridge.clock.advance(86_401);
    await expectCode(recoveries.refuse(recovery.id, SYSTEM), 'recovery_expired');
    await recoveries.expire();
    await expectCode(recovery.waitForRelease(), 'recovery_expired');
    expect(await recoveries.list()).toEqual([]);
    const types = (await companies.acme.bridge.events()).map(({ type }) => type);
    expect(types).toContain('recovery.expired');
  });
});
