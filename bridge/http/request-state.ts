import type { Actor } from '../lib/request-context.ts';
import type { Route } from './route.ts';

/** What the request is known by; set by the first middleware, completed by authentication. */
export interface RequestState {
  requestId: string;
  actor: Actor;
  /** The pattern of the route, once it is known. */
  route?: string;
  /** Of the route, where it has its own. */
  errorForm?: Route['errorForm'];
  /** How whoever is refused for want of it may authenticate, where it is not as a device. */
  challenge?: string;
}
