import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SignedIn } from '../identity/sign-in.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import type { App } from './app.ts';
import type { DeviceCodes } from './device-codes.ts';
import type { TokenHolder } from './token-holder.ts';

/** A sign-in under way: what the app asked for, read from the browser's own cookie. */
export interface Interaction {
  readonly uid: string;
  readonly app: Pick<App, 'id' | 'name' | 'redirectUris'>;
  /** The address that the app named. Attacker-controlled. */
  readonly loginHint: string | null;
  /** The app wants the person authenticated anew. */
  readonly fresh: boolean;
}

/** The OAuth 2.1 authorization server for client apps. Its issuer is the bridge's. */
export interface AuthorizationServer {
  /** Whether a path is one of its endpoints. */
  serves(path: string): boolean;
  /** Answers a request to one of them, errors included; tells whether it refused something. */
  answer(request: IncomingMessage, response: ServerResponse, context: RequestContext): Promise<boolean>;
  readonly deviceCodes: DeviceCodes;
  /** The interaction of this browser. Throws `sign_in_unknown`. */
  interaction(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
  /** Gives the app its grant; answers where to send the browser. */
  finish(request: IncomingMessage, response: ServerResponse, signedIn: SignedIn): Promise<string>;
  /** Tells the app that the person did not sign in; answers where to send the browser. */
  abandon(request: IncomingMessage, response: ServerResponse): Promise<string>;
  /** Who holds this access token, if it is in force and bound to this key. */
  findHolder(accessToken: string, jkt: string): Promise<TokenHolder | undefined>;
  /** Deletes what is bound to the device's key; answers how many records. Part of a restriction. */
  revokeDevice(tx: Transaction, deviceId: string): Promise<number>;
  /** Deletes every token and grant of the person; answers how many records. Part of a restriction. */
  revokePerson(tx: Transaction, sub: string): Promise<number>;
  /** Forgets what has expired; answers how many records. */
  purge(): Promise<number>;
}
