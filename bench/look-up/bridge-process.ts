import { loadConfig } from '../../bridge/config/index.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type RunningBridge, startBridge } from '../../bridge/main.ts';
import { answerParent } from '../processes/child.ts';
import { countCrypto } from '../processes/counted-crypto.ts';
import { cpuMs } from '../processes/cpu.ts';

/** A real bridge, whole, in a process of its own. */
const counts = countCrypto();
let bridge: RunningBridge | undefined;

const handlers = {
  start: async ({ configPath }: { configPath: string }) => {
    const config = loadConfig({ path: configPath, env: {} });
    bridge = await startBridge(config, { logger: createLogger({ level: 'error' }) });
  },
  usage: () => ({ cpuMs: cpuMs(), ...counts }),
};
export type BridgeProcess = typeof handlers;

answerParent(handlers, () => bridge?.stop());
