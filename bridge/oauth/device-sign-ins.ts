import * as z from 'zod';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { addressesOf } from '../directory/addresses.ts';
import { findPerson } from '../directory/persons.ts';
import type { EventLog } from '../events/event-log.ts';
import {
  type ConnectionChoice,
  DEVICE_INTERACTION,
  type SignedIn,
  type SignIns,
} from '../identity/sign-in.ts';
import type { Clock } from '../lib/clock.ts';
import { newHandle } from '../lib/ids.ts';
import { SIGN_IN_LIFE_S, USER_CODE_GUESSES } from '../lib/limits.ts';
import { subscriberOf } from '../lib/networks.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';
import type { Database } from '../storage/database.ts';
import type { DeviceCodes } from './device-codes.ts';

export interface DeviceSignInsDeps {
  readonly cache: Keyspace;
  readonly database: Database;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly signIns: SignIns;
  readonly deviceCodes: DeviceCodes;
}

/** Where the browser goes on: to the IdP, or back to the form with what is missing. */
export type DeviceStep =
  | { readonly next: 'idp'; readonly url: string }
  | { readonly next: 'choose'; readonly choices: readonly ConnectionChoice[] }
  | { readonly next: 'again'; readonly fault: string };

/** What the person is asked before the device gets anything. */
export interface DeviceConfirmation {
  readonly userCode: string;
  readonly app: string;
  /** The room's. */
  readonly address: string;
}

/**
 * A room signs in on somebody's phone for the system that shows the code. What the browser brings (`cookie`) names the
 * state of it, which is in the cache; it is of use to that browser alone, so no other site can act in its name.
 */
export interface DeviceSignIns {
  /** A new cookie, with nothing behind it yet. */
  open(): Promise<string>;
  /** Throws `sign_in_unknown` for a cookie that is none, `rate_limited` after too many wrong codes. */
  begin(
    cookie: string,
    form: { typed: string; address: string; connection: string | undefined },
    context: RequestContext,
  ): Promise<DeviceStep>;
  /** Throws `forbidden` for an account that is no room, and what `SignIns.resume` throws. */
  resume(cookie: string, handle: string, context: RequestContext): Promise<DeviceConfirmation>;
  /** Whether the device got what was decided; false where its code is over. Throws `sign_in_unknown`. */
  decide(cookie: string, connect: boolean, context: RequestContext): Promise<boolean>;
}

const stateSchema = z.object({
  userCode: z.string().optional(),
  appId: z.string().optional(),
  app: z.string().optional(),
  interaction: z.string().optional(),
  signedIn: z.custom<SignedIn>((value) => typeof value === 'object' && value !== null).optional(),
});
type State = z.infer<typeof stateSchema>;

const GUESSES_MS = 10 * 60_000;

/**
 * Bounds the wrong codes of a subscriber (an IPv6 caller has a whole /64) in a window of time. A try counts before it is looked
 * at, so that no number of them at once gets past; those that were right are taken off again.
 */
function createGuessLimit({ cache, clock }: Pick<DeviceSignInsDeps, 'cache' | 'clock'>) {
  const tries = keyspace(cache, 'user-code-guesses');
  const right = keyspace(cache, 'user-codes-found');
  return async <Found>(
    address: string,
    look: () => Promise<Found | undefined>,
  ): Promise<Found | undefined> => {
    const who = `${subscriberOf(address)} ${Math.floor(clock.now() / GUESSES_MS)}`;
    const tried = await tries.increment(who, GUESSES_MS);
    if (tried - Number((await right.get(who)) ?? 0) > USER_CODE_GUESSES) {
      throw new CountersignError('rate_limited');
    }
    const found = await look();
    if (found !== undefined) await right.increment(who, GUESSES_MS);
    return found;
  };
}

export function createDeviceSignIns(deps: DeviceSignInsDeps): DeviceSignIns {
  const { signIns, deviceCodes, database, events } = deps;
  const states = keyspace(deps.cache, 'device-sign-in');
  const withinGuesses = createGuessLimit(deps);

  const keep = (cookie: string, state: State) =>
    states.set(sha256Base64url(cookie), JSON.stringify(state), SIGN_IN_LIFE_S * 1000);

  async function stateOf(cookie: string): Promise<State> {
    const value = await states.get(sha256Base64url(cookie));
    if (value === undefined) throw new CountersignError('sign_in_unknown');
    return stateSchema.parse(JSON.parse(value));
  }

  async function reportRefusal(
    state: State,
    code: 'forbidden' | undefined,
    { actor, requestId }: RequestContext,
  ) {
    const subject = {
      ...(state.signedIn === undefined ? {} : { sub: state.signedIn.sub }),
      ...(state.appId === undefined ? {} : { app: state.appId }),
    };
    await events.record({
      ...{ type: 'device_code.refused', actor, requestId, subject, outcome: 'failure', data: {} },
      ...(code === undefined ? {} : { code }),
    });
  }

  return {
    async open() {
      const cookie = newHandle();
      await keep(cookie, {});
      return cookie;
    },

    async begin(cookie, { typed, address, connection }, { actor }) {
      await stateOf(cookie);
      const code = await withinGuesses(actor.address ?? 'unknown', () => deviceCodes.find(typed));
      if (code === undefined) return { next: 'again', fault: 'There is no such code. Is it still shown?' };
      const choices = await roomConnections(signIns, address);
      if (choices.length === 0) return { next: 'again', fault: 'No rooms sign in with this address.' };
      const chosen = connection ?? (choices.length === 1 ? choices[0]?.id : undefined);
      if (chosen === undefined) return { next: 'choose', choices };
      if (!choices.some(({ id }) => id === chosen)) throw new CountersignError('connection_inactive');
      const interaction = DEVICE_INTERACTION + newHandle();
      const { userCode, app } = code;
      await keep(cookie, { userCode, appId: app.id, app: app.name, interaction });
      const start = { interaction, connectionId: chosen, loginHint: address, fresh: true };
      return { next: 'idp', url: await signIns.begin(start) };
    },

    async resume(cookie, handle, context) {
      const state = await stateOf(cookie);
      const { userCode, app, interaction } = state;
      if (userCode === undefined || app === undefined || interaction === undefined) {
        throw new CountersignError('sign_in_unknown');
      }
      const signedIn = await signIns.resume({ interaction, handle }, context);
      const room = await database.read(async (query) => ({
        person: await findPerson(query, signedIn.sub),
        addresses: await addressesOf(query, signedIn.sub),
      }));
      const address = room.addresses[0]?.address;
      if (room.person?.assurance !== 'room' || address === undefined) {
        await reportRefusal({ ...state, signedIn }, 'forbidden', context);
        throw new CountersignError('forbidden', 'This account is not a room’s.');
      }
      await keep(cookie, { ...state, signedIn });
      return { userCode, app, address };
    },

    async decide(cookie, connect, context) {
      const state = await stateOf(cookie);
      await states.delete(sha256Base64url(cookie));
      const { userCode, signedIn, appId } = state;
      if (userCode === undefined || signedIn === undefined || appId === undefined) {
        throw new CountersignError('sign_in_unknown');
      }
      if (!connect) {
        if (!(await deviceCodes.refuse(userCode))) return false;
        await reportRefusal(state, undefined, context);
        return true;
      }
      return deviceCodes.approve(userCode, signedIn, (tx) =>
        events.append(tx, {
          ...{ type: 'device_code.approved', outcome: 'success', data: {} },
          ...{ actor: context.actor, requestId: context.requestId },
          subject: { sub: signedIn.sub, app: appId, connection: signedIn.connectionId },
        }),
      );
    },
  };
}

async function roomConnections(signIns: SignIns, address: string): Promise<ConnectionChoice[]> {
  try {
    return await signIns.choices(address, 'rooms');
  } catch (error) {
    if (isCountersignError(error, 'address_invalid')) return [];
    throw error;
  }
}
