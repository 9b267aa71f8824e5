import { ReplyError } from 'ioredis';
import { disconnect, type RedisClient } from './connect.ts';
import { fromRedis } from './errors.ts';

type Listeners = Map<string, Set<() => void>>;

/** Listens for wakes on a connection of its own: one that subscribes can do nothing else. */
export class WakeUps {
  readonly #client: RedisClient;
  readonly #listeners: Listeners = new Map();

  constructor(client: RedisClient) {
    this.#client = client;
    client.on('message', (channel: string) => this.#call(this.#listeners.get(channel)));
    client.on('ready', () => this.#resume());
  }

  /** While the connection is away, listening begins when it is back. Throws `unavailable`. */
  async listen(channel: string, listener: () => void): Promise<() => void> {
    // a wrapper per call, so that one listener subscribed twice is two subscriptions
    const subscription = () => listener();
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(subscription));
    const stop = () => {
      listeners.delete(subscription);
      if (listeners.size === 0 && this.#listeners.get(channel) === listeners) {
        this.#listeners.delete(channel);
        this.#client.unsubscribe(channel).catch(() => undefined);
      }
    };
    if (this.#client.status === 'ready') {
      try {
        await this.#client.subscribe(channel);
      } catch (error) {
        // A connection that is lost comes back, and with it the subscription; what the server refuses does not.
        if (error instanceof ReplyError || /timed out/.test(String(error))) {
          stop();
          throw fromRedis(error);
        }
      }
    }
    return stop;
  }

  close(): void {
    this.#listeners.clear();
    disconnect(this.#client);
  }

  /** After a connection was lost: wakes may have been missed, so everybody looks. */
  #resume(): void {
    const channels = [...this.#listeners.keys()];
    if (channels.length === 0) return;
    this.#client.subscribe(...channels).then(
      () => {
        for (const channel of channels) this.#call(this.#listeners.get(channel));
      },
      () => undefined,
    );
  }

  #call(listeners: Set<() => void> = new Set()): void {
    for (const listener of [...listeners]) {
      if (listeners.has(listener)) listener();
    }
  }
}
