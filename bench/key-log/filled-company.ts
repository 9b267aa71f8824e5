import { openVrfKey } from '../../bridge/keylog/vrf-key.ts';
import { startChild } from '../processes/child.ts';
import type { FillProcess } from './fill-process.ts';
import { foundWitnessedCompany, type WitnessedCompany } from './witnessed-company.ts';

export const ENTRIES = 1_000_000;
export const PEOPLE = 1_000;

/** A company whose log others have filled: founded once for all parts of the bench that need one. */
export interface FilledCompany {
  get(say: (line: string) => void): Promise<WitnessedCompany>;
  remove(): Promise<void>;
}

export function createFilledCompany(): FilledCompany {
  let founding: Promise<WitnessedCompany> | undefined;
  return {
    get(say) {
      founding ??= found(say);
      return founding;
    },
    async remove() {
      await (await founding)?.remove();
    },
  };
}

async function found(say: (line: string) => void): Promise<WitnessedCompany> {
  const child = startChild<FillProcess>('./fill-process', import.meta.url);
  try {
    const entries = ENTRIES.toLocaleString('en-US');
    say(`a log of ${entries} entries: the root of each epoch`);
    await child.ask('make', ENTRIES);
    return await foundWitnessedCompany(PEOPLE + 1, {
      host: 'localhost',
      async fill({ path, database, signer }) {
        const { publicKey } = await openVrfKey({ database, signer });
        say(`a log of ${entries} entries: its tree`);
        await child.ask('storeTree', { path, vrfPublicKey: publicKey });
        say(`a log of ${entries} entries: its map`);
        await child.ask('storeMap', path);
        await child.end();
        say(`a log of ${entries} entries: ${PEOPLE} people`);
      },
    });
  } finally {
    await child.end();
  }
}
