/** Who did something, as events name them. `address` is the client's IP address where there is one. */
export type Actor = (
  | { readonly kind: 'person'; readonly sub: string; readonly device?: string }
  | { readonly kind: 'administrator'; readonly id: string; readonly name?: string }
  | { readonly kind: 'partner'; readonly iss: string }
  | { readonly kind: 'system' }
  | { readonly kind: 'anonymous' }
) & { readonly address?: string };

/** What one request is known by, from the door to the event that it leaves. */
export interface RequestContext {
  readonly requestId: string;
  /** A phrase that a person can read out to the administrator; only where a person watches. */
  readonly traceId?: string;
  readonly actor: Actor;
}

/** For what the bridge does by itself. */
export const SYSTEM: RequestContext = { requestId: 'system', actor: { kind: 'system' } };
