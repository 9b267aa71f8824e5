import {
  initializeWitnessFolder,
  openWitnessFolder,
  type WitnessFolder,
} from '../../bridge/cli/witness-folder.ts';
import { composeWitness } from '../../bridge/http/compose-witness.ts';
import { type ListeningServer, startServer } from '../../bridge/http/server.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createWitness } from '../../bridge/tlog/witness-server.ts';
import { parseVerifierKey, type VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { answerParent } from '../processes/child.ts';

/** What `countersign witness run` is, in a process of its own; which logs it cosigns is said later. */
const logs: VerifierKey[] = [];
let folder: WitnessFolder | undefined;
let server: ListeningServer | undefined;

const handlers = {
  /** Answers its vkey. */
  start: async (given: {
    path: string;
    port: number;
    tls: { cert: string; key: string };
  }): Promise<string> => {
    const { path, port, tls } = given;
    await initializeWitnessFolder(path, 'witness.bench/w1');
    folder = await openWitnessFolder(path);
    const { key, database } = folder;
    const clock = systemClock;
    const findLogKeys = async (origin: string) => ({ keys: logs.filter(({ name }) => name === origin) });
    const answer = composeWitness({
      ...{ witness: createWitness({ key, database, clock, findLogKeys }), clock, trustedProxies: [] },
      logger: createLogger({ level: 'error' }),
    });
    server = await startServer({ address: '127.0.0.1', port, tls, answer });
    return key.vkey;
  },
  cosign: (vkey: string) => void logs.push(parseVerifierKey(vkey)),
};
export type WitnessProcess = typeof handlers;

answerParent(handlers, async () => {
  await server?.stop(0);
  await folder?.database.close();
});
