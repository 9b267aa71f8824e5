import * as z from 'zod';
import { NAME_LENGTH } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';

/** The client ids of services begin with this, those of apps never: neither can be taken for the other. */
export const SERVICE_ID = 'service-';

const SERVICE_KEYS = 4;

const publicKey = z
  .looseObject({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  })
  .refine((key) => !('d' in key), 'is a private key: hand over the public half alone')
  .transform(({ kty, crv, x }) => ({ kty, crv, x }));

export const serviceAssuranceSchema = z.enum(['gateway', 'recorder', 'bot']);

/** Ed25519; several while one is exchanged for another. */
export const serviceKeysSchema = z.object({ keys: z.array(publicKey).min(1).max(SERVICE_KEYS) });
export type ServiceKeys = z.input<typeof serviceKeysSchema>;

/** A service as an administrator registers it. */
export const newServiceSchema = z.strictObject({
  name: z.string().trim().min(1).max(NAME_LENGTH),
  /** What others see that it is. It stays so for good. */
  assurance: serviceAssuranceSchema,
  /** On a verified domain of the company. */
  address: z.string().max(254),
  jwks: serviceKeysSchema,
});
export type NewService = z.input<typeof newServiceSchema>;

export interface Service {
  /** The `client_id`. */
  readonly id: string;
  /** Of the directory's entry, as which it enrols. */
  readonly sub: string;
  readonly name: string;
  readonly assurance: z.infer<typeof serviceAssuranceSchema>;
  readonly address: string;
  readonly status: 'active' | 'closed';
  /** Seconds. */
  readonly created: number;
}

/** Gateways, recorders and bots: they authenticate by a key of theirs (private_key_jwt, RFC 7523), not at an IdP. */
export interface Services {
  /** Throws `malformed_request`, `key_invalid`, `address_invalid`, `domain_unknown`, `address_taken`. */
  register(service: NewService, context: RequestContext): Promise<Service>;
  list(): Promise<Service[]>;
  /** These keys are its own from now on, and no others; its tokens end. Throws `app_unknown`, also for a closed one, `key_invalid`. */
  replaceKeys(id: string, keys: ServiceKeys, context: RequestContext): Promise<Service>;
  /** Throws `app_unknown`. */
  get(id: string): Promise<Service>;
}
