import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../demo/stage/free-port.ts';
import { createThrowawayCa } from '../../test/fakes/throwaway-ca.ts';
import { type Company, type CompanyOptions, foundCompany } from '../company/company.ts';
import { startChild } from '../processes/child.ts';
import type { WitnessProcess } from './witness-process.ts';

/** A company whose log one witness cosigns, in a process of its own and over HTTPS. */
export interface WitnessedCompany extends Company {
  readonly witnessKey: string;
}

/** It proves with as many threads as there are cores. The witness ends with `remove`. */
export async function foundWitnessedCompany(
  size: number,
  options: Omit<CompanyOptions, 'settings' | 'files'> = {},
): Promise<WitnessedCompany> {
  const witness = await startWitness();
  try {
    const company = await foundCompany(size, {
      ...options,
      files: { 'witness-ca.pem': witness.ca },
      settings: {
        outbound: { allowed_networks: ['127.0.0.0/8', '::1/128'], ca_file: './witness-ca.pem' },
        key_log: {
          vrf_workers: availableParallelism(),
          witnesses: [{ vkey: witness.vkey, url: witness.url }],
        },
      },
    });
    await witness.cosign(company.logKey);
    return {
      ...{ ...company, witnessKey: witness.vkey },
      async remove() {
        await witness.stop();
        await company.remove();
      },
    };
  } catch (error) {
    await witness.stop();
    throw error;
  }
}

async function startWitness() {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-witness-'));
  const authority = await createThrowawayCa();
  const port = await freePort();
  const child = startChild<WitnessProcess>('./witness-process', import.meta.url);
  const stop = async () => {
    await child.end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const tls = await authority.issue(['localhost']);
    const vkey = await child.ask('start', { path: folder, port, tls });
    const cosign = (logKey: string) => child.ask('cosign', logKey);
    return { ...{ vkey, cosign, stop }, url: `https://localhost:${port}`, ca: authority.certificatePem };
  } catch (error) {
    await stop();
    throw error;
  }
}
