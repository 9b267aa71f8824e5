import type { Config } from './config/index.ts';
import { systemClock } from './lib/clock.ts';
import { createClosing } from './lib/closing.ts';
import { createLogger } from './lib/logger.ts';
import { composeServices } from './main/compose-services.ts';
import { type BridgeOverrides, openFoundation } from './main/open-foundation.ts';
import { type RunningBridge, serve } from './main/serve.ts';

export type { BridgeOverrides } from './main/open-foundation.ts';
export type { RunningBridge } from './main/serve.ts';

/**
 * The composition root. Resolves when requests are taken. Throws `config_invalid` or `state_refused` with everything
 * that is wrong and what to do; nothing is left open then.
 */
export async function startBridge(config: Config, overrides: BridgeOverrides = {}): Promise<RunningBridge> {
  const clock = overrides.clock ?? systemClock;
  const logger = overrides.logger ?? createLogger({ level: config.log.level, clock });
  const closing = createClosing(logger);
  try {
    const foundation = await openFoundation(config, { ...overrides, clock, logger }, closing);
    const services = await composeServices(foundation, config);
    return await serve(foundation, services, config, closing);
  } catch (error) {
    await closing.close();
    throw error;
  }
}
