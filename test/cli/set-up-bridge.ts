import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { type Ran, type RecordedTerminal, recordedTerminal } from './recorded-terminal.ts';

/** A folder with certificates, in which `countersign init` is to be run or has been. */
export interface SetUpBridge {
  readonly terminal: RecordedTerminal;
  readonly configPath: string;
  /** The options that name configuration and secrets. */
  readonly local: readonly string[];
  readonly rootKey: string;
  init(issuer?: string): Promise<Ran>;
  /** Rewrites the configuration file. */
  changeConfig(change: (text: string) => string): Promise<void>;
  remove(): Promise<void>;
}

export const SET_UP_ISSUER = 'https://bridge.acme.example';

/** The certificate is of bridge.acme.example. */
export async function setUpBridge(fetchNamed?: typeof fetch): Promise<SetUpBridge> {
  const terminal = await recordedTerminal(fetchNamed);
  const { key, cert } = await (await createThrowawayCa()).issue(['bridge.acme.example']);
  const tls = join(terminal.home, 'tls');
  await mkdir(tls);
  await writeFile(join(tls, 'bridge.key'), key);
  await writeFile(join(tls, 'bridge.crt'), cert);
  const configPath = join(terminal.home, 'countersign.yaml');
  const local = ['-c', configPath, '--secrets', join(terminal.home, 'kek.env')];
  const rootKey = join(terminal.home, 'root.json');
  return {
    ...{ terminal, configPath, local, rootKey },
    init: (issuer = SET_UP_ISSUER) =>
      terminal.run([
        ...['init', ...local, '--root-key', rootKey, '--issuer', issuer, '--organization', 'Acme'],
      ]),
    async changeConfig(change) {
      await writeFile(configPath, change(await readFile(configPath, 'utf8')));
    },
    remove: () => terminal.remove(),
  };
}
