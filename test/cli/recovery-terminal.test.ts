import { afterEach, describe, expect, it } from 'vitest';
import { askPassphrase } from '../../bridge/cli/officer-key.ts';
import type { Terminal } from '../../bridge/cli/terminal.ts';
import type { RecoverySummary } from '../../protocol/escrow/organization-api.ts';
import { type RecordedTerminal, recordedTerminal } from './recorded-terminal.ts';

const CLEARS_THE_SCREEN = '\u001b[2J';

/** What a bridge answers that means to draw on the administrator's screen. */
const refused: RecoverySummary = {
  ...{
    id: 'recovery-1',
    purpose: 'recovery',
    sub: 'bob-1',
    address: `bob${CLEARS_THE_SCREEN}`,
    label: 'Phone',
  },
  ...{ status: 'refused', approvals: 0, created: 1, expires: 2 },
};

describe('the terminal of an administrator who recovers keys', () => {
  let terminal: RecordedTerminal;
  afterEach(() => terminal.remove());

  it('obeys no control characters in the address that a bridge answers', async () => {
    terminal = await recordedTerminal(async () => Response.json(refused));
    const env = { COUNTERSIGN_URL: 'https://bridge.acme.example', COUNTERSIGN_TOKEN: 'token' };
    const { code, out } = await terminal.run(['recovery', 'refuse', 'recovery-1', '--yes'], { env });
    expect(code).toBe(0);
    expect(out).toBe('Refused the recovery of bob�[2J.');
  });
});

describe('the passphrase of a half', () => {
  it('is typed unseen', async () => {
    const seen = () => Promise.reject(new Error('everybody behind the administrator reads along'));
    const unused = () => undefined;
    const terminal: Terminal = {
      ...{ env: {}, home: '/', interactive: true, fetch, out: unused, say: unused },
      ...{ ask: seen, askSecret: async () => 'unseen' },
    };
    expect(await askPassphrase(terminal)).toBe('unseen');
  });
});
