import { type Stage, setStage } from '../../demo/stage/stage.ts';
import { configuredStores } from './configured-stores.ts';

/** A stage whose bridges keep what they have in the stores of this run of the tests (vitest.config.ts). */
export function setTestStage(): Promise<Stage> {
  return setStage(new AbortController().signal, configuredStores);
}
