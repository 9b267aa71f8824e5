import { Agent, fetch as undiciFetch } from 'undici';
import type { Resolver } from '../../bridge/lib/resolver.ts';

/** A fetch that reaches made-up names and trusts one throwaway CA, and nothing besides. */
export interface NamedFetch {
  readonly fetch: typeof fetch;
  /** Ends the open connections. */
  close(): Promise<void>;
}

/** Real TLS: the chain and the host name are checked, against `certificatePem` in place of the system's roots. */
export function createNamedFetch(names: Resolver, certificatePem: string): NamedFetch {
  const agent = new Agent({
    connect: {
      ca: certificatePem,
      lookup: (host, options, callback) => {
        names.lookup(host).then(
          (addresses) => {
            const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
            const [first] = found;
            if (options.all === true) callback(null, found);
            else callback(null, first?.address ?? '', first?.family);
          },
          (cause) =>
            callback(Object.assign(new Error(`unknown name ${host}`, { cause }), { code: 'ENOTFOUND' }), ''),
        );
      },
    },
  });
  // undici's own types of fetch and the DOM's differ in names only: both are the fetch standard.
  const named = (input: unknown, init?: unknown) =>
    undiciFetch(input as Parameters<typeof undiciFetch>[0], { ...(init as object), dispatcher: agent });
  return { fetch: named as unknown as typeof fetch, close: () => agent.destroy() };
}
