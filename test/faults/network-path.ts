import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** `resets`: every connection is reset, and every new one. `silence`: nothing passes, and nobody is told. */
export type Cut = 'resets' | 'silence';

/** A way to a port of 127.0.0.1 that can be cut. Passes on what comes, either end by itself, and resets. */
export interface NetworkPath {
  readonly port: number;
  /** Connections that came to harm, by a cut or by the death of who listens. */
  readonly harmed: number;
  /** Pieces that were passed on to who listens. */
  readonly passed: number;
  /** Of connections that were open when `bereave` was called and ended in good order: the ports that they came from. */
  readonly bereaved: readonly number[];
  cut(how: Cut): void;
  /** `goes-on`: what was silent is passed on late. `reset`: what was open is reset. */
  restore(how: 'goes-on' | 'reset'): void;
  /** Who listens is dead. */
  bereave(): void;
  close(): Promise<void>;
}

/** The two halves of a connection. */
interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  readonly from: number;
  bereaved: boolean;
}

export async function openNetworkPath(to: number): Promise<NetworkPath> {
  const pairs = new Set<Pair>();
  let cut: Cut | undefined;
  const bereaved: number[] = [];
  let harmed = 0;
  let passed = 0;

  function accept(near: Socket): void {
    if (cut === 'resets') {
      harmed += 1;
      near.on('error', () => {}).resetAndDestroy();
      return;
    }
    const far = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { near, far, from: near.remotePort ?? 0, bereaved: false };
    pairs.add(pair);
    if (cut === 'silence') {
      harmed += 1;
      near.pause();
    }
    passOn(pair, near, far);
    passOn(pair, far, near);
  }

  function passOn(pair: Pair, from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on('data', (bytes) => {
      if (to === pair.far) passed += 1;
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => {
      if (cut !== 'silence') from.resume();
    });
    from.on('end', () => to.end());
    from.on('error', () => harm(pair));
    from.on('close', () => {
      const { near, far } = pair;
      if (!near.destroyed || !far.destroyed || !pairs.delete(pair) || !pair.bereaved) return;
      harmed += 1;
      bereaved.push(pair.from);
    });
  }

  function harm(pair: Pair): void {
    if (!pairs.delete(pair)) return;
    harmed += 1;
    for (const half of [pair.near, pair.far]) half.resetAndDestroy();
  }

  const server = createServer({ allowHalfOpen: true }, accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    get harmed() {
      return harmed;
    },
    get passed() {
      return passed;
    },
    bereaved,
    cut(how) {
      cut = how;
      for (const pair of [...pairs]) {
        if (how === 'resets') harm(pair);
        else {
          harmed += 1;
          for (const half of [pair.near, pair.far]) half.pause();
        }
      }
    },
    restore(how) {
      cut = undefined;
      for (const pair of [...pairs]) {
        if (how === 'reset') harm(pair);
        else for (const half of [pair.near, pair.far]) half.resume();
      }
    },
    bereave() {
      for (const pair of pairs) pair.bereaved = true;
    },
    async close() {
      for (const pair of [...pairs]) harm(pair);
      server.close();
      await once(server, 'close');
    },
  };
}
