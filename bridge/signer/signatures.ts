import type { Worker } from 'node:worker_threads';
import type { VerifySignature } from '../../protocol/dpop.ts';
import { importSignatureKey, verifyBytes } from '../../protocol/ed25519.ts';
import type { SignatureKey } from '../../protocol/public-key.ts';
import {
  SIGNATURE_BACKLOG,
  SIGNATURE_THREAD_IDLE_MS,
  SIGNATURE_THREAD_RESTART_MS,
  SIGNATURES_OF_A_BATCH,
  SIGNATURES_WORTH_A_THREAD,
} from '../lib/limits.ts';
import { startThread } from '../lib/start-thread.ts';
import { READY, type SignatureAnswers, type SignatureBatch, type SignatureJob } from './signature-batch.ts';

/** Signs `message`, which stays as it is until then, with an Ed25519 key; base64url. */
export type SignMessage = (key: CryptoKey, message: Buffer<ArrayBuffer>) => Promise<string>;

/** Makes and verifies Ed25519 signatures over short messages. */
export interface Signatures {
  readonly sign: SignMessage;
  readonly verify: VerifySignature;
  /** Ends the thread. What it has not finished is done without it, and so is what is asked for later. */
  close(): Promise<void>;
}

export interface SignatureOptions {
  /** Default: SIGNATURES_WORTH_A_THREAD. */
  readonly worthThread?: number;
  /** Default: SIGNATURE_BACKLOG. */
  readonly backlog?: number;
  /** Milliseconds. Default: SIGNATURE_THREAD_IDLE_MS. */
  readonly idleMs?: number;
  /** Milliseconds from a thread that failed to the next. Default: SIGNATURE_THREAD_RESTART_MS. */
  readonly restartMs?: number;
  /** Told why a thread ended that nobody ended. */
  readonly onFailure?: (error: unknown) => void;
  /** Default: signature-worker. */
  readonly startWorker?: () => Worker;
}

/**
 * Signatures in batches (docs/decisions/0047). WebCrypto makes a job of each one, which costs the event loop half as
 * much as the arithmetic costs another thread; here several go to a thread as one message. Where they are too few to
 * start one, or more than the thread can do in time, or the thread is not up, WebCrypto does them: the answers are the
 * same, bit for bit (RFC 8032 has no randomness).
 */
export function createSignatures(options: SignatureOptions = {}): Signatures {
  return new BatchedSignatures(options);
}

/** 64 bytes in their one form: the thread would take others, as isCompactJws of protocol/jws.ts has it. */
const SIGNATURE = /^[A-Za-z0-9_-]{85}[AQgw]$/;

/** WebCrypto alone: for whoever signs now and then. */
export const signAlone: SignMessage = async (key, message) => {
  return Buffer.from(await crypto.subtle.sign('Ed25519', key, message)).toString('base64url');
};

type Task =
  | { readonly key: CryptoKey; readonly message: Buffer<ArrayBuffer> }
  | { readonly publicKey: SignatureKey; readonly message: string; readonly signature: string };

interface Waiting {
  readonly task: Task;
  resolve(answer: string | boolean): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  ready: boolean;
  /** By us. */
  ended: boolean;
  /** What it was given and has not answered, by their ids, oldest first. */
  readonly batches: Map<number, readonly Waiting[]>;
  /** All of those together. */
  backlog: number;
}

class BatchedSignatures implements Signatures {
  readonly #options: SignatureOptions;
  #waiting: Waiting[] = [];
  #thread: Thread | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;
  /** Not before this, by the process's own clock, is another one started. */
  #restart = Number.NEGATIVE_INFINITY;
  /** The id of the newest batch. */
  #batches = 0;

  constructor(options: SignatureOptions) {
    this.#options = options;
  }

  readonly sign: SignMessage = async (key, message) => {
    const signature = await this.#ask({ key, message });
    if (typeof signature !== 'string') throw new TypeError('what was answered is no signature');
    return signature;
  };

  readonly verify: VerifySignature = async (publicKey, message, signature) => {
    if (!SIGNATURE.test(signature)) return false;
    try {
      // The point is checked here, once for each key: the thread takes any.
      await importSignatureKey(publicKey);
    } catch {
      return false;
    }
    return (await this.#ask({ publicKey, message, signature })) === true;
  };

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    await this.#end();
  }

  #ask(task: Task): Promise<string | boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      // A full batch goes at once: the thread works on it while this one reads the requests behind it.
      if (this.#waiting.length === SIGNATURES_OF_A_BATCH) this.#handOut();
      else if (this.#waiting.length === 1) setImmediate(() => this.#handOut());
    });
  }

  #handOut(): void {
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    const { worthThread = SIGNATURES_WORTH_A_THREAD } = this.#options;
    if (batch.length >= worthThread) this.#keepThread();
    for (const waiting of batch.slice(this.#giveWhatFits(batch))) void doAlone(waiting);
  }

  /** Gives the thread, if it is up, as many as it can do in time, from the first on; answers how many. */
  #giveWhatFits(batch: readonly Waiting[]): number {
    const thread = this.#thread;
    if (thread?.ready !== true) return 0;
    const { backlog = SIGNATURE_BACKLOG } = this.#options;
    const fitting = batch.slice(0, Math.max(0, backlog - thread.backlog));
    return fitting.length > 0 && this.#give(thread, fitting) ? fitting.length : 0;
  }

  /** Starts it where there is none, for which nobody waits, and puts its end off. */
  #keepThread(): void {
    if (this.#closed || performance.now() < this.#restart) return;
    try {
      this.#thread ??= this.#start();
    } catch (error) {
      // The system lets this process have no more threads.
      this.#noteFailure(error);
      return;
    }
    const { idleMs = SIGNATURE_THREAD_IDLE_MS } = this.#options;
    this.#idle ??= setTimeout(() => void this.#end(), idleMs).unref();
    this.#idle.refresh();
  }

  #start(): Thread {
    const worker = (this.#options.startWorker ?? startSignatureWorker)();
    const thread: Thread = { worker, ready: false, ended: false, batches: new Map(), backlog: 0 };
    worker.unref();
    worker.on('message', (answers: SignatureAnswers | typeof READY) => {
      if (answers === READY) thread.ready = true;
      else if (!takeAnswers(thread, answers)) this.#discard(thread, 'it answered what it was not asked');
    });
    worker.on('messageerror', () => this.#discard(thread, 'its answer could not be read'));
    worker.on('error', (error) => this.#lose(thread, error));
    worker.on('exit', (code) => this.#lose(thread, new Error(`it ended with ${code}`)));
    return thread;
  }

  /** Whether the thread has it now. */
  #give(thread: Thread, batch: readonly Waiting[]): boolean {
    this.#batches += 1;
    const id = this.#batches;
    const keys: CryptoKey[] = [];
    const jobs = batch.map(({ task }) => jobOf(task, keys));
    try {
      thread.worker.postMessage({ id, keys, jobs } satisfies SignatureBatch);
    } catch {
      // Something in it cannot be sent: WebCrypto says what is wrong with it, to whom it concerns.
      return false;
    }
    thread.batches.set(id, batch);
    thread.backlog += batch.length;
    return true;
  }

  /** No answer of it is believed any more. */
  #discard(thread: Thread, why: string): void {
    this.#lose(thread, new Error(why));
    void thread.worker.terminate();
  }

  /** What the thread had is done again without it, and a later batch gets another one. */
  #lose(thread: Thread, cause: unknown): void {
    const lost = [...thread.batches.values()].flat();
    thread.batches.clear();
    thread.backlog = 0;
    for (const waiting of lost) void doAlone(waiting);
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    if (!thread.ended) this.#noteFailure(cause);
  }

  /** One that cannot be started would otherwise be tried with each batch. */
  #noteFailure(cause: unknown): void {
    const { restartMs = SIGNATURE_THREAD_RESTART_MS, onFailure } = this.#options;
    this.#restart = performance.now() + restartMs;
    onFailure?.(cause);
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    thread.ended = true;
    await thread.worker.terminate();
  }
}

/** Adds the key of a signature to `keys`, once. */
function jobOf(task: Task, keys: CryptoKey[]): SignatureJob {
  if ('publicKey' in task) return [task.message, task.publicKey.x, task.signature];
  const known = keys.indexOf(task.key);
  // Only now a text, which nobody keeps: what waits for its turn is not copied by the garbage collector again and again.
  return [task.message.toString('latin1'), known === -1 ? keys.push(task.key) - 1 : known];
}

/** Whether they are answers to the oldest batch that the thread has: it does one after the other. */
function takeAnswers(thread: Thread, { id, answers }: SignatureAnswers): boolean {
  const [[oldest, batch] = []] = thread.batches;
  if (oldest !== id || batch?.length !== answers.length) return false;
  thread.batches.delete(id);
  thread.backlog -= batch.length;
  for (const [index, { resolve }] of batch.entries()) resolve(answers[index] ?? false);
  return true;
}

async function doAlone({ task, resolve, reject }: Waiting): Promise<void> {
  try {
    resolve(await answerAlone(task));
  } catch (error) {
    reject(error);
  }
}

function answerAlone(task: Task): Promise<string | boolean> {
  if (!('publicKey' in task)) return signAlone(task.key, task.message);
  return verifyBytes(task.publicKey, Buffer.from(task.message, 'latin1'), task.signature);
}

/** The thread itself. */
export function startSignatureWorker(): Worker {
  return startThread(import.meta.url, 'signature-worker');
}
