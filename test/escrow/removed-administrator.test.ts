import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import type { OrganizationRecovery } from '../../client/client.ts';
import type { RecoveryCase, RecoveryKey } from '../../protocol/escrow/organization-api.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { installOnDevice, type OnDevice, signInOnDevice } from '../rotation/client-on-device.ts';
import { approveAs, type OfficerSeat, takeSeat } from './officer-seat.ts';
import { anotherAdministrator } from './register-halves.ts';

const KEY = '/admin/v1/recovery-key';

let companies: TwoCompanies;
let first: OfficerSeat;
let second: OfficerSeat;

beforeAll(async () => {
  companies = await startTwoCompanies('offered');
  first = await takeSeat(companies, 'Olga');
  second = await takeSeat(companies, 'Otto');
});
afterAll(async () => {
  for (const { terminal } of [first, second]) await terminal.remove();
  await companies.close();
});

const bridge = () => companies.acme.bridge;
const keyNow = () => bridge().administrator.get<RecoveryKey>(KEY);
const caseOf = ({ id }: Pick<OrganizationRecovery, 'id'>) =>
  bridge().administrator.get<RecoveryCase>(`/admin/v1/recoveries/${id}`);

/** Another administrator, by a link of their own, who has the half of `seat` by now; and how they are removed. */
async function withHalfOf(seat: OfficerSeat, name: string) {
  const { id, token } = await anotherAdministrator(companies, name);
  const { administrators } = bridge().running.services;
  return {
    officer: { ...seat, env: { ...seat.env, COUNTERSIGN_TOKEN: token } },
    remove: () => administrators.revoke(id, SYSTEM),
  };
}

async function onDevice(name: string): Promise<OnDevice> {
  const app = installOnDevice(companies, companies.acme, {
    confirmDevices: (devices) => devices.map(({ device_id }) => device_id),
  });
  await signInOnDevice(companies, companies.acme, app, name);
  return app;
}

async function enrolled(name: string): Promise<OnDevice> {
  const app = await onDevice(name);
  await app.client.enrol({ label: 'Laptop', escrow: { organization: true } });
  return app;
}

/** Somebody enrolled who has lost all devices asks with another one. */
async function asking(name: string): Promise<{ phone: OnDevice; recovery: OrganizationRecovery }> {
  await enrolled(name);
  const phone = await onDevice(name);
  return { phone, recovery: await phone.client.requestRecovery({ label: 'Phone' }) };
}

async function withdrawals(): Promise<unknown[]> {
  const events = await bridge().events();
  return events.filter(({ type }) => type.endsWith('_withdrawn')).map(({ type, data }) => ({ type, data }));
}

describe('an administrator who is removed', () => {
  it('is none of the two who recover somebody’s keys, though they had given their share before', async () => {
    const { recovery } = await asking('ada');
    const leaver = await withHalfOf(first, 'Lena');
    await approveAs(leaver.officer, recovery);
    await leaver.remove();
    expect((await approveAs(second, recovery)).out).toContain('Another administrator');
    expect(await caseOf(recovery)).toMatchObject({ status: 'pending', approvals: 1 });
    expect((await approveAs(first, recovery)).out).toContain('are released');
    await recovery.waitForRelease();
    expect(await withdrawals()).toContainEqual({
      ...{ type: 'recovery.approval_withdrawn', data: { recovery: recovery.id, half: expect.any(String) } },
    });
  });

  it('takes back what was released with their share, until another administrator gives it', async () => {
    const { phone, recovery } = await asking('carol');
    const leaver = await withHalfOf(second, 'Levi');
    await approveAs(first, recovery);
    expect((await approveAs(leaver.officer, recovery)).out).toContain('are released');
    await leaver.remove();
    expect(await caseOf(recovery)).toMatchObject({ status: 'pending', approvals: 1 });
    const { store } = bridge();
    const shares = await store.read((query) =>
      query.selectFrom('recovery_shares').select('admin_root_name').execute(),
    );
    expect(shares).not.toContainEqual({ admin_root_name: 'Levi' });
    const successor = await withHalfOf(second, 'Lars');
    expect((await approveAs(successor.officer, recovery)).out).toContain('are released');
    await recovery.waitForRelease();
    expect((await phone.client.me()).deviceBinding).not.toBeNull();
    // The device has the keys: nothing of it waits for anybody again.
    await successor.remove();
    expect(await caseOf(recovery)).toMatchObject({ status: 'released', approvals: 2 });
  });
});

describe('an administrator who leaves while the recovery key is replaced', () => {
  /** An administrator makes a new half. */
  async function renew({ terminal, env }: OfficerSeat): Promise<void> {
    const path = join(terminal.home, `${crypto.randomUUID()}.json`);
    await terminal.run(['recovery', 'init-officer', path], { env });
  }

  function approve({ terminal, env, path, passphrase }: OfficerSeat, fingerprint: string, own = true) {
    const file = own ? ['--file', path] : [];
    return terminal.run(
      ['recovery', 'approve-replacement', `--fingerprint=${fingerprint}`, ...file, '--yes'],
      { env: { ...env, COUNTERSIGN_OFFICER_PASSPHRASE: passphrase } },
    );
  }

  it('is none of the two who approve it, but clients follow by what their half signed', async () => {
    const bob = await enrolled('bob');
    const { fingerprint: before } = await keyNow();
    await first.terminal.run(['recovery', 'replace', '--reason', 'Lou leaves'], { env: first.env });
    for (const seat of [first, second]) await renew(seat);
    const next = (await keyNow()).replacement?.fingerprint ?? '';
    const leaver = await withHalfOf(second, 'Lou');
    await approve(leaver.officer, next);
    await leaver.remove();
    expect((await approve(first, next)).out).toContain('Another administrator');
    const { fingerprint, replacement } = await keyNow();
    expect(fingerprint).toBe(before);
    expect(replacement?.approvals).toMatchObject([
      { administrator: 'Lou', counts: false },
      { administrator: 'Olga', counts: true },
    ]);
    const told = await first.terminal.run(['recovery', 'key'], { env: first.env });
    expect(told.out).toContain('Lou (removed, does not count), Olga');
    expect((await approve(second, next, false)).out).toContain('is replaced');
    expect(await keyNow()).toMatchObject({ fingerprint: next, replacement: null });
    expect(await bob.client.rotateIfDue()).toBe(true);
    expect((await bob.client.me()).rotationDue).toBeNull();
    expect(await withdrawals()).toContainEqual({
      ...{ type: 'recovery.replacement_approval_withdrawn', data: { generation: 2 } },
    });
  });
});
