import * as z from 'zod';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { type Outbound, parseOutboundUrl } from '../lib/outbound.ts';
import { DELIVERY_METHODS } from './stream.ts';

/** What a transmitter, or the identity provider beside it, publishes about itself. Nobody has confirmed it yet. */
export interface FoundTransmitter {
  readonly issuer: string;
  readonly jwks_uri: string;
  /** Where it was found: SSF 1.0 §6.2, or OpenID Connect Discovery 1.0. */
  readonly source: 'ssf-configuration' | 'openid-configuration';
  /** Whether it says that it can push (RFC 8935); null where it does not say. */
  readonly push: boolean | null;
}

/** Finds who signs the signals of an issuer, and where it publishes its keys. */
export interface TransmitterDiscovery {
  /**
   * The transmitter configuration; where there is none, the OpenID configuration of the same issuer. Throws
   * `upstream_unreachable` where there is neither, `upstream_invalid` for one that is not this issuer’s or lacks keys,
   * `outbound_refused`.
   */
  find(issuer: string): Promise<FoundTransmitter>;
}

const documentSchema = z.object({
  issuer: z.string().max(512),
  jwks_uri: z.string().max(512),
  delivery_methods_supported: z.array(z.string()).optional(),
});

export function createTransmitterDiscovery(outbound: Pick<Outbound, 'text'>): TransmitterDiscovery {
  /** `undefined`: there is none. */
  async function read(url: string): Promise<string | undefined> {
    try {
      return await outbound.text(url, { accept: 'application/json' });
    } catch (error) {
      if (isCountersignError(error, 'outbound_refused')) throw error;
      return undefined;
    }
  }

  return {
    async find(issuer) {
      const { origin, pathname } = parseOutboundUrl(issuer);
      const path = pathname === '/' ? '' : pathname;
      const ssf = await read(`${origin}/.well-known/ssf-configuration${path}`);
      if (ssf !== undefined) {
        const { delivery_methods_supported: methods, ...found } = documentOf(ssf, issuer);
        const push = methods === undefined ? null : methods.includes(DELIVERY_METHODS.push);
        return { ...found, source: 'ssf-configuration', push };
      }
      const oidc = await read(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
      if (oidc !== undefined) {
        const { issuer: named, jwks_uri } = documentOf(oidc, issuer);
        return { issuer: named, jwks_uri, source: 'openid-configuration', push: null };
      }
      const detail = `${issuer} publishes neither an ssf-configuration nor an openid-configuration.`;
      throw new CountersignError('upstream_unreachable', detail);
    },
  };
}

/** Its keys may be on another host, as those of large providers are; its issuer may not be another’s. */
function documentOf(text: string, issuer: string): z.infer<typeof documentSchema> {
  try {
    const found = documentSchema.parse(JSON.parse(text));
    if (found.issuer !== issuer) throw new Error(`the configuration is that of ${found.issuer}`);
    parseOutboundUrl(found.jwks_uri);
    return found;
  } catch (cause) {
    throw new CountersignError('upstream_invalid', `The configuration of ${issuer} cannot be used.`, {
      cause,
    });
  }
}
