import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OrganizationRecovery } from '../../client/client.ts';
import type { EscrowCoverage, RecoveryKey } from '../../protocol/escrow/organization-api.ts';
import { expectCode } from '../binding/expect-code.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { installOnDevice, type OnDevice, signInOnDevice } from '../rotation/client-on-device.ts';
import { approveAs, type OfficerSeat, takeSeat } from './officer-seat.ts';

const KEY = '/admin/v1/recovery-key';

let companies: TwoCompanies;
let first: OfficerSeat;
let second: OfficerSeat;
/** Who enrolled before there was a recovery key. */
let ada: OnDevice;
let bob: OnDevice;

beforeAll(async () => {
  companies = await startTwoCompanies('offered');
  ada = await onDevice('ada');
  await ada.client.enrol({ label: 'Laptop' });
  first = await takeSeat(companies, 'Olga');
  second = await takeSeat(companies, 'Otto');
  bob = await onDevice('bob');
  await bob.client.enrol({ label: 'Laptop', escrow: { organization: true } });
  const carol = await onDevice('carol');
  await carol.client.enrol({ label: 'Laptop', escrow: { organization: true } });
  await demandEscrow();
});
afterAll(async () => {
  for (const { terminal } of [first, second]) await terminal.remove();
  await companies.close();
});

/** The company changes its mind, and restarts its bridge. */
async function demandEscrow(): Promise<void> {
  const { bridge } = companies.acme;
  Object.assign(bridge.config.escrow, { organization: 'required' });
  await bridge.restart();
}

const administrator = () => companies.acme.bridge.administrator;
const keyNow = () => administrator().get<RecoveryKey>(KEY);
const coverage = () => administrator().get<EscrowCoverage>(`${KEY}/coverage`);

async function onDevice(name: string): Promise<OnDevice> {
  const app = installOnDevice(companies, companies.acme, {
    confirmDevices: (devices) => devices.map(({ device_id }) => device_id),
  });
  await signInOnDevice(companies, companies.acme, app, name);
  return app;
}

/** An administrator makes a new half while the key is replaced. */
async function renew(officer: OfficerSeat): Promise<OfficerSeat> {
  const path = join(officer.terminal.home, `${crypto.randomUUID()}.json`);
  const { out } = await officer.terminal.run(['recovery', 'init-officer', path, '--json'], {
    env: officer.env,
  });
  return { ...officer, path, passphrase: JSON.parse(out).passphrase };
}

/** `half` absent: theirs is lost. */
function approveReplacement(officer: OfficerSeat, fingerprint: string, half?: OfficerSeat) {
  const file = half === undefined ? [] : ['--file', half.path];
  const env = { ...officer.env, COUNTERSIGN_OFFICER_PASSPHRASE: half?.passphrase ?? '' };
  return officer.terminal.run(
    ['recovery', 'approve-replacement', `--fingerprint=${fingerprint}`, ...file, '--yes'],
    { env },
  );
}

/** A row of the report. */
function uncoveredBy(name: string, escrow: string) {
  return { sub: expect.any(String), address: companies.acme.address(name), escrow };
}

async function recover(name: string): Promise<{ phone: OnDevice; recovery: OrganizationRecovery }> {
  const phone = await onDevice(name);
  return { phone, recovery: await phone.client.requestRecovery({ label: 'Phone' }) };
}

describe('an organization that demands an escrow by now', () => {
  it('sees who has none, and their client makes one when it starts, if its person agrees', async () => {
    const { setting, counts, uncovered } = await coverage();
    expect({ setting, none: counts?.none, uncovered }).toEqual({
      ...{ setting: 'required', none: 1 },
      uncovered: [uncoveredBy('ada', 'none')],
    });
    expect((await ada.client.me()).rotationDue).toBe('escrow_required');
    expect(await ada.client.rotateIfDue()).toBe(false);
    expect((await ada.client.me()).verified?.statement.escrow).toBe('none');
    expect(await ada.client.rotateIfDue({ escrow: { organization: true } })).toBe(true);
    const { verified, rotationDue } = await ada.client.me();
    expect({ escrow: verified?.statement.escrow, rotationDue }).toEqual({
      escrow: 'organization',
      rotationDue: null,
    });
    expect((await coverage()).counts).toEqual({ current: 3, before: 0, foreign: 0, passphrase: 0, none: 0 });
    const beyond = await administrator().get<EscrowCoverage>(`${KEY}/coverage?after=zzz`);
    expect(beyond).toMatchObject({ counts: null, uncovered: [], next: null });
    const told = await first.terminal.run(['recovery', 'coverage'], { env: first.env });
    expect(told.out).toContain('Everybody is covered.');
  });
});

describe('a drill', () => {
  const drill = (officer: OfficerSeat, half = officer) =>
    officer.terminal.run(['recovery', 'drill', '--file', half.path], {
      env: { ...officer.env, COUNTERSIGN_OFFICER_PASSPHRASE: half.passphrase },
    });

  it('shows that both halves work, by two administrators, and opens nobody’s key', async () => {
    expect((await drill(first)).out).toContain('Another administrator');
    expect((await drill(first, second)).said).toContain('recovery_officer');
    expect((await drill(second)).out).toContain('Both halves of the recovery key work.');
    const types = (await companies.acme.bridge.events()).map(({ type }) => type);
    const ofDrills = types.filter((type) => /drill|half_proven|approved|opened/.test(type));
    expect(ofDrills.filter((type) => type.startsWith('recovery.'))).toEqual([
      'recovery.drill_begun',
      'recovery.half_proven',
      'recovery.half_proven',
      'recovery.drill_passed',
    ]);
  });

  it('is not passed by what was guessed', async () => {
    const { id, boxes } = await administrator().post<{ id: string; boxes: { half: string }[] }>(
      `${KEY}/drills`,
    );
    const answer = { half: boxes[0]?.half, opened: 'A'.repeat(43) };
    const refusal = await administrator().refusal(`${KEY}/drills/${id}/answers`, answer);
    expect(refusal.code).toBe('recovery_half');
  });
});

describe('a recovery key that both holders of before vouch to', () => {
  let newFirst: OfficerSeat;
  let newSecond: OfficerSeat;

  beforeAll(async () => {
    const { fingerprint: before } = await keyNow();
    await first.terminal.run(['recovery', 'replace', '--reason', 'Otto leaves'], { env: first.env });
    [newFirst, newSecond] = [await renew(first), await renew(second)];
    const next = (await keyNow()).replacement?.fingerprint ?? '';
    await approveReplacement(first, next, first);
    expect((await approveReplacement(first, next, second)).said).toContain('recovery_officer');
    expect((await keyNow()).fingerprint).toBe(before);
    expect((await approveReplacement(second, next, second)).out).toContain('is replaced');
    expect(await keyNow()).toMatchObject({ fingerprint: next, replacement: null });
  });

  it('is followed by a client when it starts: from then on the new halves recover', async () => {
    expect((await bob.client.me()).rotationDue).toBe('recovery_key_replaced');
    expect((await coverage()).uncovered).toContainEqual(uncoveredBy('bob', 'before'));
    expect(await bob.client.rotateIfDue()).toBe(true);
    expect((await bob.client.me()).rotationDue).toBeNull();
    expect(JSON.stringify((await coverage()).uncovered)).not.toContain('bob');
    const { phone, recovery } = await recover('bob');
    expect((await approveAs(first, recovery)).said).toContain('recovery_half');
    await approveAs(first, recovery, newFirst);
    await approveAs(second, recovery, newSecond);
    await recovery.waitForRelease();
    expect((await phone.client.me()).deviceBinding).not.toBeNull();
  });

  it('leaves to the halves of before whose client has not started since', async () => {
    const { phone, recovery } = await recover('carol');
    await approveAs(first, recovery);
    await approveAs(second, recovery);
    await recovery.waitForRelease();
    expect((await phone.client.me()).rotationDue).toBe('recovery_key_replaced');
  });
});

describe('a recovery key that is replaced', () => {
  it('without those who held the one before is believed only where the app tells its fingerprint', async () => {
    await first.terminal.run(['recovery', 'replace', '--reason', 'a half is lost'], { env: first.env });
    for (const officer of [first, second]) await renew(officer);
    const fingerprint = (await keyNow()).replacement?.fingerprint ?? '';
    await approveReplacement(first, fingerprint);
    await approveReplacement(second, fingerprint);
    await expectCode(bob.client.rotateIfDue(), 'recovery_key_changed');
    expect((await bob.client.me()).rotationDue).toBe('recovery_key_replaced');
    expect(await bob.client.rotateIfDue({ escrow: { organization: true, fingerprint } })).toBe(true);
    expect((await bob.client.me()).rotationDue).toBeNull();
  });

  it('stays where the replacement is given up, and a step that was taken counts when it is taken again', async () => {
    const { fingerprint } = await keyNow();
    const begin = () => administrator().post<RecoveryKey>(`${KEY}/replacement`, { reason: 'a trial' });
    const begun = await begin();
    expect(await begin()).toEqual(begun);
    const { out } = await first.terminal.run(['recovery', 'abandon-replacement', '--yes'], {
      env: first.env,
    });
    expect(out).toContain(fingerprint);
    expect(await keyNow()).toMatchObject({ fingerprint, replacement: null });
    const approval = { fingerprint: 'A'.repeat(43), half: null, signature: null };
    const refusal = await administrator().refusal(`${KEY}/replacement/approvals`, approval);
    expect(refusal.code).toBe('recovery_state');
  });
});
