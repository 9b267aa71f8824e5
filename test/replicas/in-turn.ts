import type { WholeBridge } from '../http/whole-bridge.ts';
import type { Replica } from './replicas.ts';

/** As a balancer that remembers nobody: each request to the bridge goes to the next of those that there are now. */
export function inTurn(
  { issuer }: Pick<WholeBridge, 'issuer'>,
  replicas: () => readonly [Replica, Replica],
): typeof fetch {
  let asked = 0;
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin === issuer) asked += 1;
    return replicas()[asked % 2 === 0 ? 0 : 1].fetch(input, init);
  };
}
