import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { createAuditorKey, openAuditorKey } from '../../bridge/keylog/audit/auditor-key.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import { parseVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';

let folder: string;
let vkey: string;
let bridge: BridgeFixture;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-auditor-'));
  vkey = await createAuditorKey(join(folder, 'key.json'), 'auditor.example/acme');
  bridge = await bridgeFixture({ settings: { key_log: { auditors: [vkey], auditor_quorum: 1 } } });
});
afterAll(async () => {
  await bridge.remove();
  await rm(folder, { recursive: true });
});

const checkpoint = async () => String((await bridge.ask('GET', '/log/checkpoint')).body.text);
/** 0 before the first. */
const sizeOf = (note: string) => Number(note.split('\n')[1] ?? 0);

it('audits the log of a bridge that runs, and the bridge takes the cosignature', async () => {
  await bridge.administrator();
  const auditor = await openAuditor({
    ...{ bridge: bridge.issuer, state: join(folder, 'state'), clock: bridge.clock },
    request: boundedRequest(bridge.fetch),
    signer: await openAuditorKey(join(folder, 'key.json')),
  });
  try {
    for (const name of ['Bob', 'Carol']) {
      const before = sizeOf(await checkpoint());
      await bridge.administrator(name);
      // The log may have grown on by the time that it is asked again.
      await vi.waitFor(
        async () => {
          expect(await auditor.run()).toMatchObject({ outcome: 'verified', trustedRoot: bridge.root.kid });
          const note = await checkpoint();
          expect(sizeOf(note)).toBeGreaterThan(before);
          const [cosigned] = await verifyNote(parseNote(note), [parseVerifierKey(vkey)]);
          expect(cosigned?.key.name).toBe('auditor.example/acme');
        },
        { timeout: 20_000, interval: 100 },
      );
    }
  } finally {
    await auditor.close();
  }
});
