import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of the bench's own: what is measured and what measures it must not share an event loop. */
export interface Child<Protocol extends Handlers> {
  readonly pid: number;
  ask<Name extends keyof Protocol & string>(
    name: Name,
    question: Parameters<Protocol[Name]>[0],
  ): Promise<Awaited<ReturnType<Protocol[Name]>>>;
  /** Ends it, and waits until it has ended. */
  end(): Promise<void>;
}

/** What a child answers; questions and answers are copied as by `structuredClone`. */
export type Handlers = Readonly<Record<string, (question: never) => unknown>>;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly question: unknown;
}

type Answer = { readonly id: number } & ({ readonly answer: unknown } | { readonly error: string });

/** Starts the module `path` (without its extension, relative to `base`), which calls `answerParent`. */
export function startChild<Protocol extends Handlers>(path: string, base: string): Child<Protocol> {
  // The same source runs as TypeScript and as what was built from it.
  const extension = base.slice(base.lastIndexOf('.'));
  const child = fork(fileURLToPath(new URL(path + extension, base)), { serialization: 'advanced' });
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  let asked = 0;
  child.on('message', (message) => {
    const answer = message as Answer;
    const waiter = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) waiter?.reject(new Error(answer.error));
    else waiter?.resolve(answer.answer);
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${path} ended with ${code ?? signal}`));
  });
  return {
    pid: child.pid ?? -1,
    ask: (name, question) =>
      new Promise((resolve, reject) => {
        asked += 1;
        waiting.set(asked, { resolve: (answer) => resolve(answer as never), reject });
        child.send({ id: asked, name, question } satisfies Question);
      }),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

/** In the child: answers the parent until it lets go, then runs `end`. */
export function answerParent(handlers: Handlers, end: () => unknown = () => undefined): void {
  process.on('message', (message) => {
    const { id, name, question } = message as Question;
    const reply = (answer: Answer) => process.send?.(answer);
    Promise.resolve()
      .then(() => handlers[name]?.(question as never))
      .then(
        (answer) => reply({ id, answer }),
        (error: unknown) =>
          reply({ id, error: error instanceof Error ? (error.stack ?? '') : String(error) }),
      );
  });
  process.once('disconnect', async () => {
    await end();
    process.exit();
  });
}
