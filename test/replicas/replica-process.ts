/**
 * A process to kill: a whole bridge at an address of its own, on the stores and the port of a configuration that others
 * use too. It prints a line once it takes requests, and stops when its standard input ends.
 *
 * usage: node --import tsx replica-process.ts <configuration> <address>
 */
import { loadConfig } from '../../bridge/config/index.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { startBridge } from '../../bridge/main.ts';

const [path = '', address = ''] = process.argv.slice(2);
const config = loadConfig({ path, env: {} });
const running = await startBridge(
  { ...config, listen: { ...config.listen, address } },
  {
    // everything of the stage is on this machine
    resolver: { lookup: async () => ['127.0.0.1'], txt: async () => [] },
    logger: createLogger({ level: 'silent' }),
  },
);
console.log('runs');
process.stdin.resume();
process.stdin.once('end', () => void running.stop().then(() => process.exit()));
