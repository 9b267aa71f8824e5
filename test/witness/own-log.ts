import type { Signer } from '../../bridge/signer/signer.ts';
import { insertCheckpoint } from '../../bridge/tlog/checkpoint-store.ts';
import { type Checkpoints, createCheckpoints } from '../../bridge/tlog/checkpoints.ts';
import { moveHead, takeHead } from '../../bridge/tlog/log-heads.ts';
import { appendEntries, EMPTY_LOG } from '../../bridge/tlog/log-tree.ts';
import { logVerifierKeys } from '../../bridge/tlog/note-signer.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { quiet } from '../events/events-fixture.ts';
import { ISS, type SignerFixture, signerFixture } from '../signer/signer-fixture.ts';

/** The log of a bridge in a real store, signed by a real signer; its entries are of no kind. */
export interface OwnLog extends SignerFixture {
  readonly origin: string;
  readonly signer: Signer;
  logKeys(): VerifierKey[];
  readonly checkpoints: Checkpoints;
  /** Lets it grow to `size` entries, at the clock's time; signed, unless it is to wait. */
  grow(size: number, options?: { publish: boolean }): Promise<void>;
}

export const entryAt = (index: number) => utf8(`entry ${index}`);

export async function ownLog(): Promise<OwnLog> {
  const fixture = await signerFixture();
  const { clock, store } = fixture;
  const { database } = store;
  const signer = await fixture.open();
  const origin = logOrigin(ISS);
  const checkpoints = createCheckpoints({ log: 'keys', origin, database, logger: quiet, signer });
  return {
    ...fixture,
    ...{ origin, signer, checkpoints },
    logKeys: () => logVerifierKeys(signer.onlineKeys().all('log'), origin),
    async grow(size, { publish } = { publish: true }) {
      await database.transaction(async (tx) => {
        const head = await takeHead(tx, 'keys', EMPTY_LOG);
        const added = Array.from({ length: size - head.size }, (_, index) => entryAt(head.size + index));
        const next = await appendEntries(tx, 'keys', head, added);
        await moveHead(tx, 'keys', head, next);
        const at = { epoch: size, time_ms: clock.now() };
        await insertCheckpoint(tx, { log: 'keys', size: next.size, root: next.hash, ...at });
      });
      if (publish) await checkpoints.publish();
    },
  };
}
