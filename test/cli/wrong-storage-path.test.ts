import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SetUpBridge, setUpBridge } from './set-up-bridge.ts';

let bridge: SetUpBridge;

beforeEach(async () => {
  bridge = await setUpBridge();
  await bridge.init();
  await bridge.changeConfig((text) => text.replace('./data/countersign.db', './date/countersign.db'));
});
afterEach(() => bridge.remove());

describe('a wrong storage.path', () => {
  it.each(['serve', 'admin link', 'log recover'])(
    'makes `countersign %s` ask whether it is right, and create nothing',
    async (command) => {
      const { terminal, local } = bridge;
      const path = join(terminal.home, 'date', 'countersign.db');
      const { code, said } = await terminal.run([...command.split(' '), ...local]);
      expect(said).toContain(
        `There is no database at ${path}; is storage.path right? Only for a new bridge: countersign init.`,
      );
      expect(said).toContain('state_refused');
      expect(code).toBe(1);
      expect(existsSync(join(terminal.home, 'date'))).toBe(false);
    },
  );
});
