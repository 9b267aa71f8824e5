import * as z from 'zod';
import { CORS_ORIGINS, NAME_LENGTH, REDIRECT_URIS, URL_LENGTH } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { SERVICE_ID } from './service.ts';

/** A client app as an administrator registers it. */
export const newAppSchema = z.strictObject({
  /** The `client_id`; a random one where absent. */
  id: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'must be lower-case letters, digits and hyphens')
    .refine((id) => !id.startsWith(SERVICE_ID), `must not begin with ${SERVICE_ID}`)
    .optional(),
  name: z.string().trim().min(1).max(NAME_LENGTH),
  /** `person`: a browser signs somebody in. `room`: a system without a keyboard, by the device grant alone. */
  kind: z.enum(['person', 'room']).default('person'),
  /** https, or for native apps a loopback address (`http://127.0.0.1/callback`: any port) or `com.example:/…`. */
  redirectUris: z.array(z.string().max(URL_LENGTH)).max(REDIRECT_URIS).default([]),
  /** Origins of the pages that call token endpoint and API from a browser. */
  corsOrigins: z.array(z.string().max(URL_LENGTH)).max(CORS_ORIGINS).default([]),
});
export type NewApp = z.input<typeof newAppSchema>;

export interface App {
  /** The `client_id`. */
  readonly id: string;
  readonly name: string;
  readonly kind: 'person' | 'room';
  readonly redirectUris: readonly string[];
  readonly corsOrigins: readonly string[];
  /** Seconds. */
  readonly created: number;
}

/** The client apps that people may sign in to: public clients, each with its allow-lists. */
export interface Apps {
  /** Throws `config_invalid` for redirect URIs or origins that cannot be allowed, `conflict` for an id in use. */
  register(app: NewApp, context: RequestContext): Promise<App>;
  /** Its tokens end with it. Throws `app_unknown`. */
  remove(id: string, context: RequestContext): Promise<void>;
  list(): Promise<App[]>;
  /** `undefined` where there is none. */
  find(id: string): Promise<App | undefined>;
  /** Whether some app may call from this `Origin`. */
  isAllowedOrigin(origin: string): Promise<boolean>;
}
