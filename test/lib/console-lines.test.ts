import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { leadConsoleTo } from '../../bridge/lib/console-lines.ts';
import { createLogger } from '../../bridge/lib/logger.ts';

let undo = () => {};
afterEach(() => undo());

function recordLines() {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    level: 'debug',
    destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
  });
  undo = leadConsoleTo(logger);
  return lines;
}

describe('what libraries write to the console of a service', () => {
  it('is a line of the operational log, at the level debug', () => {
    const lines = recordLines();
    console.warn('oidc-provider WARNING: %s runtime', 'Unsupported');
    expect(lines).toMatchObject([
      { level: 'debug', console: 'warn', msg: 'oidc-provider WARNING: Unsupported runtime' },
    ]);
  });

  it('is there with the warnings of Node, at the level warn', async () => {
    const lines = recordLines();
    const warned = once(process, 'warning');
    process.emitWarning('something is deprecated', 'DeprecationWarning');
    await warned;
    expect(lines).toMatchObject([{ level: 'warn', err: { message: 'something is deprecated' } }]);
  });

  it('goes where it went before, once that is undone', () => {
    const before = console.warn;
    const printers = process.listeners('warning');
    recordLines();
    expect(console.warn).not.toBe(before);
    undo();
    expect(console.warn).toBe(before);
    expect(process.listeners('warning')).toEqual(printers);
  });
});
