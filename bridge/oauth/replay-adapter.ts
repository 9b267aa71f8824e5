import { decodeJwt } from 'jose';
import Provider, { type Adapter, errors } from 'oidc-provider';
import { isCountersignError } from '../../protocol/errors.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';

/** A DPoP proof is taken for five minutes by the library, to either side. */
const PROOF_MEMORY_MS = 11 * 60_000;

/**
 * DPoP proofs: looking for one marks it, so that of two at once only one is new. `id` is a hash. One that was made
 * before the cache began to remember is refused: it may have been used, and forgotten (PROTOCOL §12).
 */
export function createReplayAdapter(
  nothing: Adapter,
  cache: Keyspace,
  issuedAt: () => number | undefined = issuedAtOfProof,
): Adapter {
  const proofs = keyspace(cache, 'oauth-dpop');
  return {
    ...nothing,
    async find(id) {
      try {
        return (await proofs.consumeOnce(id, PROOF_MEMORY_MS, issuedAt())) ? undefined : { jti: id };
      } catch (cause) {
        if (!isCountersignError(cause, 'unavailable')) throw cause;
        throw new errors.InvalidDpopProof(cause.detail ?? 'send a new proof', { cause });
      }
    },
  };
}

/** In ms. The library asks for a proof only after it has verified it, so this is what was signed. */
function issuedAtOfProof(): number | undefined {
  const proof = Provider.ctx?.get('DPoP');
  const iat = proof === undefined || proof === '' ? undefined : decodeJwt(proof).iat;
  return iat === undefined ? undefined : iat * 1_000;
}
