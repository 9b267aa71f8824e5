import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeOfficerKey, readOfficerFile, signSuccession } from '../../bridge/cli/officer-key.ts';
import type { RecoveryKey } from '../../protocol/escrow/organization-api.ts';
import { organizationKeyFingerprint } from '../../protocol/escrow/organization-key.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { type OfficerSeat, takeSeat } from './officer-seat.ts';
import { anotherAdministrator } from './register-halves.ts';

/*
 * The bridge's operator, alone: the administrators are honest, and what their bridge tells them of the recovery key is not.
 */

type Halves = RecoveryKey['halves'];

let companies: TwoCompanies;
let first: OfficerSeat;
let second: OfficerSeat;
/** Halves of the operator's own. */
let evil: Halves;
const terminals: RecordedTerminal[] = [];

beforeAll(async () => {
  companies = await startTwoCompanies('offered');
  const made = async (administrator: string) => {
    const { file } = await makeOfficerKey(companies.stage.engine, companies.acme.bridge.issuer);
    return { half: file.half, administrator, registered: 1 };
  };
  evil = [await made('Olga'), await made('Otto')];
});
afterAll(async () => {
  for (const { terminal } of [first, second]) await terminal.remove();
  for (const terminal of terminals) await terminal.remove();
  await companies.close();
});

/** A terminal whose bridge answers about the recovery key what `lie` makes of the truth. */
async function liedTo(lie: (key: RecoveryKey) => RecoveryKey): Promise<RecordedTerminal> {
  const { fetch } = companies.stage;
  const lying: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const isKey = /^\/admin\/v1\/recovery-key(\/halves|\/replacement\/approvals)?$/.test(pathname);
    return isKey && response.ok ? Response.json(lie(await response.json())) : response;
  };
  const terminal = await recordedTerminal(lying);
  terminals.push(terminal);
  return terminal;
}

const ofEvil = () => fingerprintOf(evil);

function fingerprintOf([left, right]: Halves): string {
  if (left === undefined || right === undefined) throw new Error('there are two');
  return organizationKeyFingerprint(companies.acme.bridge.issuer, [left.half, right.half]);
}

function keyNow(): Promise<RecoveryKey> {
  return companies.acme.bridge.administrator.get('/admin/v1/recovery-key');
}

describe('an administrator whose bridge lies about the recovery key', () => {
  it('is told no fingerprint of halves that are others than the one they have just made', async () => {
    const { token } = await anotherAdministrator(companies, 'Olga');
    const terminal = await liedTo((key) => ({ ...key, halves: evil, fingerprint: ofEvil() }));
    const path = join(terminal.home, 'half.json');
    const env = { COUNTERSIGN_URL: companies.acme.bridge.issuer, COUNTERSIGN_TOKEN: token };
    const { code, out, said } = await terminal.run(['recovery', 'init-officer', path], { env });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(said).toContain('recovery_half');
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });
});

describe('two administrators with their halves, whose bridge lies', () => {
  beforeAll(async () => {
    // Whoever was lied to has registered a half that nobody has any more: the operator begins anew.
    await companies.acme.bridge.store.transaction(async (tx) => {
      await tx.deleteFrom('recovery_key_halves').execute();
    });
    first = await takeSeat(companies, 'Ola');
    second = await takeSeat(companies, 'Otto');
  });

  it('see the fingerprint of the halves that they are shown, whatever stands beside them', async () => {
    const { halves } = await keyNow();
    const terminal = await liedTo((key) => ({ ...key, fingerprint: ofEvil() }));
    const { out } = await terminal.run(['recovery', 'key'], { env: first.env });
    expect(out).toContain(fingerprintOf(halves));
    expect(out).not.toContain(ofEvil());
  });

  it('are shown no key that their own half is not in, where they hold it against that', async () => {
    const args = ['recovery', 'key', '--file', first.path];
    const honest = await first.terminal.run(args, { env: first.env });
    expect(honest.out).toContain(fingerprintOf((await keyNow()).halves));
    const terminal = await liedTo((key) => ({ ...key, halves: evil }));
    const { out, said } = await terminal.run(args, { env: first.env });
    expect(out).toBe('');
    expect(said).toContain('recovery_half');
  });

  describe('while the key is replaced', () => {
    let told: string;

    beforeAll(async () => {
      await first.terminal.run(['recovery', 'replace', '--reason', 'Otto leaves'], { env: first.env });
      for (const { terminal, env } of [first, second]) {
        await terminal.run(['recovery', 'init-officer', join(terminal.home, 'new.json')], { env });
      }
      told = fingerprintOf((await keyNow()).replacement?.halves ?? []);
    });

    const withEvilHalves = (key: RecoveryKey): RecoveryKey => ({
      ...key,
      replacement: key.replacement && { ...key.replacement, halves: evil, fingerprint: told },
    });

    it('sign no other halves than those whose fingerprint they were told', async () => {
      const terminal = await liedTo(withEvilHalves);
      const args = ['--file', first.path, '--yes', `--fingerprint=${told}`];
      const env = { ...first.env, COUNTERSIGN_OFFICER_PASSPHRASE: first.passphrase };
      const { code, said } = await terminal.run(['recovery', 'approve-replacement', ...args], { env });
      expect(code).toBe(2);
      expect(said).toContain('other new halves');
      expect((await keyNow()).replacement?.approvals).toEqual([]);
      const { engine } = companies.stage;
      const officer = { file: readOfficerFile(first.path), passphrase: first.passphrase };
      const lied = withEvilHalves(await keyNow());
      await expectCode(signSuccession(engine, officer, lied, told), 'recovery_half');
    });
  });
});
