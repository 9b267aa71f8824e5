import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type Checkpoint, formatCheckpoint, signCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { formatSignatureLine, parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import type { Logger } from '../lib/logger.ts';
import type { LogPurpose } from '../signer/purposes.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { Turns } from '../storage/turns.ts';
import {
  asSigned,
  checkpointAt,
  newestCheckpoint,
  newestSigned,
  type SignedCheckpoint,
  type StoredCheckpoint,
  storeLogSignature,
} from './checkpoint-store.ts';
import type { HeadFile, KeptHead } from './head-file.ts';
import type { LogName } from './log-heads.ts';
import { rootAt } from './log-tree.ts';
import { currentLogKey, logNoteSigner } from './note-signer.ts';

export interface CheckpointsDeps {
  readonly log: LogName;
  /** Names the log and its keys (`logOrigin`). */
  readonly origin: string;
  readonly database: Database;
  readonly logger: Logger;
  readonly signer: Pick<Signer, 'currentKey' | 'signNote'>;
  /** Which key signs. Default: `log`. */
  readonly purpose?: LogPurpose | undefined;
  /** Without one only witnesses notice that the store was put back. */
  readonly headFile?: HeadFile | undefined;
  /** Throws while it is in doubt whether the store is the newest (head-trust.ts): nothing is signed then. */
  readonly assertTrusted?: (() => Promise<void>) | undefined;
}

/** The signed heads of a log. */
export interface Checkpoints {
  readonly origin: string;

  /**
   * Makes the newest committed head public: head file, then signature, then the listeners are told. What a crash or
   * an error left undone is done by the next call, by whichever process. A head has the same signature whoever signs
   * it, as Ed25519 is deterministic. The newest one gets that of a new log key too, beside the old one's, which counts
   * for what was signed in its time unless it is compromised; older checkpoints keep the signature that they have.
   *
   * Answers whether there was anything new. Throws `state_refused`, with nothing signed, when the store is behind what
   * was signed before or does not contain it; `unavailable` while the log key is out of use or the head file cannot be
   * written.
   */
  publish(): Promise<boolean>;

  /** The newest signed checkpoint. */
  newest(query: Query | Transaction): Promise<SignedCheckpoint | undefined>;

  /** The checkpoint of this size, where it is signed. */
  at(query: Query | Transaction, size: number): Promise<SignedCheckpoint | undefined>;

  /** The signed note: the log's own signatures, then these cosignature lines, each with its newline. */
  noteOf(checkpoint: SignedCheckpoint, cosignatures?: readonly { readonly line: string }[]): string;

  /** Calls `listener` after a checkpoint became public: from here, or as seen by a look after another process did it. */
  onPublished(listener: (checkpoint: SignedCheckpoint) => void): void;
}

export function createCheckpoints(deps: CheckpointsDeps): Checkpoints {
  return new StoredCheckpoints(deps);
}

/** The key in use and the one before it: a rotation makes an entry, and so a newer checkpoint. */
const LOG_SIGNATURES = 2;

class StoredCheckpoints implements Checkpoints {
  readonly origin: string;
  readonly #deps: CheckpointsDeps;
  readonly #turns = new Turns();
  readonly #listeners: ((checkpoint: SignedCheckpoint) => void)[] = [];
  /** The newest head that this process has let be signed; read from the file at first. */
  #kept: KeptHead | undefined;
  #keptRead = false;
  /** What the listeners were last told. */
  #told: SignedCheckpoint | undefined;

  constructor(deps: CheckpointsDeps) {
    this.origin = deps.origin;
    this.#deps = deps;
  }

  publish(): Promise<boolean> {
    return this.#turns.take(() => this.#publish());
  }

  newest(query: Query | Transaction): Promise<SignedCheckpoint | undefined> {
    return newestSigned(query, this.#deps.log);
  }

  async at(query: Query | Transaction, size: number): Promise<SignedCheckpoint | undefined> {
    return asSigned(await checkpointAt(query, this.#deps.log, size));
  }

  noteOf(checkpoint: SignedCheckpoint, cosignatures?: readonly { readonly line: string }[]): string {
    return checkpointNoteOf(this.origin, checkpoint, cosignatures);
  }

  onPublished(listener: (checkpoint: SignedCheckpoint) => void): void {
    this.#listeners.push(listener);
  }

  async #publish(): Promise<boolean> {
    const { database, log, assertTrusted } = this.#deps;
    await assertTrusted?.();
    const newest = await database.read((query) => newestCheckpoint(query, log));
    await this.#keep(newest);
    if (newest === undefined) return false;
    const signed = this.#asCurrent(newest) ?? (await this.#sign(newest));
    if (signed.size === this.#told?.size && signed.log_signature === this.#told.log_signature) return false;
    this.#told = signed;
    this.#tell(signed);
    return true;
  }

  /** Before anything is signed: the store must go on from what was signed last, and that is then this head. */
  async #keep(newest: StoredCheckpoint | undefined): Promise<void> {
    const { headFile } = this.#deps;
    if (!this.#keptRead) {
      this.#kept = await headFile?.read();
      this.#keptRead = true;
    }
    const kept = this.#kept;
    if (kept !== undefined) {
      if (newest?.size === kept.size && newest.root === kept.root && kept.origin === this.origin) return;
      await this.#assertContinues(kept, newest);
    }
    if (newest === undefined) return;
    const head = { origin: this.origin, size: newest.size, root: newest.root };
    await headFile?.write(head);
    this.#kept = head;
  }

  async #assertContinues(kept: KeptHead, newest: StoredCheckpoint | undefined): Promise<void> {
    const { database, log } = this.#deps;
    if (kept.origin !== this.origin)
      throw refused(`the head file is of ${kept.origin}, not of ${this.origin}`);
    if (newest === undefined || newest.size < kept.size) {
      throw refused(`it ends at ${newest?.size ?? 0} entries, and ${kept.size} were signed before`);
    }
    // of what is pruned the tree still says it
    const root = await database.read(async (query) => {
      const then = await checkpointAt(query, log, kept.size);
      return then?.root ?? encodeBase64url(await rootAt(query, log, kept.size));
    });
    if (root !== kept.root) {
      throw refused(`its first ${kept.size} entries are not those that were signed before`);
    }
  }

  /** Where it is signed, by the key in use too. */
  #asCurrent(checkpoint: StoredCheckpoint): SignedCheckpoint | undefined {
    const signed = asSigned(checkpoint);
    if (signed === undefined) return undefined;
    const { signer, purpose } = this.#deps;
    const { keyId } = currentLogKey(signer, this.origin, purpose);
    const by = parseSignatureLines(signed.log_signature);
    return by.some((signature) => signature.keyId === keyId) ? signed : undefined;
  }

  async #sign(checkpoint: StoredCheckpoint): Promise<SignedCheckpoint> {
    const { database, signer, purpose } = this.#deps;
    const key = logNoteSigner(signer, this.origin, purpose);
    const signature = await signCheckpoint(key, checkpointOf(this.origin, checkpoint));
    const before = checkpoint.log_signature === null ? [] : parseSignatureLines(checkpoint.log_signature);
    const lines = [signature, ...before].slice(0, LOG_SIGNATURES).map(formatSignatureLine).join('');
    await database.transaction((tx) => storeLogSignature(tx, checkpoint, lines));
    return { ...checkpoint, log_signature: lines };
  }

  #tell(checkpoint: SignedCheckpoint): void {
    for (const listener of this.#listeners) {
      try {
        listener(checkpoint);
      } catch (err) {
        this.#deps.logger.error({ err, log: this.#deps.log }, 'a listener of the checkpoints failed');
      }
    }
  }
}

/** As `Checkpoints.noteOf` has it, for whoever only reads a log. */
export function checkpointNoteOf(
  origin: string,
  checkpoint: SignedCheckpoint,
  cosignatures: readonly { readonly line: string }[] = [],
): string {
  const text = formatCheckpoint(checkpointOf(origin, checkpoint));
  return `${text}\n${checkpoint.log_signature}${cosignatures.map(({ line }) => line).join('')}`;
}

function checkpointOf(origin: string, { size, root }: StoredCheckpoint): Checkpoint {
  return { origin, size, root: decodeBase64url(root, 32) };
}

/** What is signed twice from one size on is a forked log, which every partner would take for a lie. */
function refused(what: string): CountersignError {
  return new CountersignError(
    'state_refused',
    `The store does not hold the newest log: ${what}. It may be a restored backup. Nothing is signed. Bring the ` +
      'newest store back, or run `countersign log recover`, which shows the ways on.',
  );
}
