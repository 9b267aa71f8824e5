import { loadConfig } from '../../bridge/config/index.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type RunningBridge, startBridge } from '../../bridge/main.ts';
import { createSignatures } from '../../bridge/signer/signatures.ts';
import { answerParent } from '../processes/child.ts';
import { countCrypto, countedSignatureWorker } from '../processes/counted-crypto.ts';
import { cpuMs } from '../processes/cpu.ts';

/** A real bridge, whole, in a process of its own. */
const counts = countCrypto();
let bridge: RunningBridge | undefined;
/** Whether the policy is asked. */
let decides = true;

const ALLOWED = {
  effect: 'allow',
  policy: 'none',
  reason: 'Nothing is decided.',
  hash: '',
  policies: [],
} as const;

const handlers = {
  start: async ({ configPath }: { configPath: string }) => {
    const config = loadConfig({ path: configPath, env: {} });
    bridge = await startBridge(config, {
      logger: createLogger({ level: 'error' }),
      signatures: createSignatures({ startWorker: () => countedSignatureWorker(counts) }),
      decideBy: (decide) => (request) => (decides ? decide(request) : ALLOWED),
    });
  },
  decides: (wanted: boolean) => {
    decides = wanted;
  },
  usage: () => ({ cpuMs: cpuMs(), ...counts }),
};
export type BridgeProcess = typeof handlers;

answerParent(handlers, () => bridge?.stop());
