import { join } from 'node:path';
import { readOfficerFile } from '../../bridge/cli/officer-key.ts';
import { unwrapRecoveryKey } from '../../protocol/escrow/recovery-key.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import type { TwoCompanies } from '../http/two-companies.ts';
import { anotherAdministrator } from './register-halves.ts';

/** An administrator at a machine of their own, with their half. */
export interface OfficerSeat {
  readonly terminal: RecordedTerminal;
  readonly env: Record<string, string>;
  readonly path: string;
  readonly passphrase: string;
}

/** Another administrator of the first company, who has made and registered their half. */
export async function takeSeat(companies: TwoCompanies, name: string): Promise<OfficerSeat> {
  const { issuer } = companies.acme.bridge;
  const { token } = await anotherAdministrator(companies, name);
  const terminal = await recordedTerminal(companies.stage.fetch);
  const env = { COUNTERSIGN_URL: issuer, COUNTERSIGN_TOKEN: token };
  const path = join(terminal.home, 'half.json');
  const { out } = await terminal.run(['recovery', 'init-officer', path, '--json'], { env });
  return { terminal, env, path, passphrase: JSON.parse(out).passphrase };
}

/** `officer` approves with the half in `half`, which is their own unless a test says otherwise. */
export function approveAs(
  officer: OfficerSeat,
  { id, fingerprint: told }: { readonly id: string; readonly fingerprint: string },
  half: OfficerSeat = officer,
) {
  const env = { ...officer.env, COUNTERSIGN_OFFICER_PASSPHRASE: half.passphrase };
  // With an equals sign: a fingerprint may begin with a hyphen.
  return officer.terminal.run(
    ['recovery', 'approve', id, '--file', half.path, `--fingerprint=${told}`, '--yes'],
    { env },
  );
}

export async function privateHalfOf({ path, passphrase }: OfficerSeat): Promise<Uint8Array> {
  const { iss, half, wrapped } = readOfficerFile(path);
  return unwrapRecoveryKey({ iss, sub: 'organization', recovery_key: half }, wrapped, passphrase);
}
