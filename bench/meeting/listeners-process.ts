import { setTimeout as wait } from 'node:timers/promises';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { type Placement, placementEventSchema, rekeyEventSchema } from '../../protocol/meetings/api.ts';
import type { Newcomer } from '../../protocol/meetings/host-tree.ts';
import { generateEphemeralKey } from '../../protocol/meetings/hpke.ts';
import { followRekey, type MemberPath, openEpochKey } from '../../protocol/meetings/member-path.ts';
import { openPlacement } from '../../protocol/meetings/placement.ts';
import { type RekeyMessage, type RekeySender, verifyRekey } from '../../protocol/meetings/rekey-message.ts';
import { answerParent } from '../processes/child.ts';
import type { Attendant } from './crowd.ts';
import {
  createJoiningSteps,
  type JoiningAt,
  type JoiningDevice,
  type JoiningStep,
  STEPS,
} from './joining-steps.ts';
import { openStream, type StreamAt } from './open-stream.ts';

/** Where the devices listen, and for whose messages. */
export interface Audience extends StreamAt {
  readonly host: RekeySender;
}

/** A message that devices are given by the bench, without a bridge. */
export interface Handed {
  readonly token: string;
  readonly hash: string;
  readonly placements: readonly Placement[];
}

/** When the devices of this process had a message, milliseconds since the epoch. */
export interface Arrival {
  readonly devices: number;
  readonly firstReceived: number;
  readonly lastReceived: number;
  /** Had computed the epoch's key: all of them on this one core. */
  readonly lastKey: number;
  /** The one that they all came to. */
  readonly key: string;
}

interface Listener extends JoiningDevice {
  path: MemberPath | undefined;
  /** The number of the last message on its stream. */
  since: number;
  readonly received: Map<string, number>;
  readonly keys: Map<string, { at: number; key: string }>;
  turn: Promise<void>;
}

const listeners: Listener[] = [];
/** By what the event says: one message is read and verified once here, not once a device, each of which is one machine. */
const verified = new Map<string, Promise<RekeyMessage>>();
/** So many devices act at a time: as people come, not all in one instant. */
const AT_ONCE = 16;
const now = () => performance.timeOrigin + performance.now();

const handlers = {
  /** The devices of these people; answers who they are, for the host to place. */
  prepare: async (attendants: readonly Attendant[]): Promise<Newcomer[]> => {
    for (const attendant of attendants) {
      listeners.push({
        ...{ attendant, ephemeral: await generateEphemeralKey(), path: undefined, since: 0 },
        ...{ received: new Map(), keys: new Map(), turn: Promise.resolve() },
      });
    }
    return listeners.map(({ attendant: { iss, sub, deviceId }, ephemeral }) => ({
      ...{ iss, sub, device_id: deviceId, ephemeral: encodeBase64url(ephemeral.publicKey) },
    }));
  },
  /** Every device takes this step into the meeting, so many at a time. */
  step: async ({ step, ...at }: JoiningAt & { step: JoiningStep }): Promise<void> => {
    const { steps, close } = createJoiningSteps(at);
    try {
      await forEach([...listeners.entries()], ([number, listener]) => steps[step](listener, number));
    } finally {
      close();
    }
  },
  /** Until what was put into the key log last is published. */
  published: async (at: JoiningAt): Promise<void> => {
    const { steps, close } = createJoiningSteps(at);
    try {
      for (const listener of listeners.slice(-1)) {
        for (let waited = 0; !(await succeeds(() => steps.me(listener, 0), waited)); waited += LOG_LOOK_MS)
          await wait(LOG_LOOK_MS);
      }
    } finally {
      close();
    }
  },
  /** Every device takes all steps, and opens its stream; so many at a time. */
  join: async ({ host, ...at }: JoiningAt & Audience): Promise<void> => {
    const { steps, close } = createJoiningSteps(at);
    try {
      await forEach([...listeners.entries()], async ([number, listener]) => {
        for (const step of STEPS) await steps[step](listener, number);
        listener.since = listener.seq ?? 0;
        await listen({ peer: at.peer, meeting: at.meeting, host }, listener, number);
      });
    } finally {
      close();
    }
  },
  /** Every device takes a message, and its place if it has one by it. */
  hand: async ({ sent, host }: { sent: Handed; host: RekeySender }): Promise<void> => {
    const data = JSON.stringify({ token: sent.token });
    const boxes = new Map(sent.placements.map(({ device_id, box }) => [device_id, box]));
    for (const listener of listeners) {
      await takeRekey(host, listener, data, now());
      const box = boxes.get(listener.attendant.deviceId);
      if (box !== undefined) await takePlacement(listener, { rekey: sent.hash, box });
    }
  },
  /** Every device opens its stream, for what comes after this. */
  listen: async ({ since, ...audience }: Audience & { since: number }): Promise<void> => {
    await forEach([...listeners.entries()], async ([number, listener]) => {
      listener.since = since;
      await listen(audience, listener, number);
    });
  },
  /** Waits until every device but these has the key of this message; they must not come to it. */
  heard: async ({ hash, without }: { hash: string; without: readonly string[] }): Promise<Arrival> => {
    const staying = listeners.filter(({ attendant }) => !without.includes(attendant.deviceId));
    for (let waited = 0; staying.some(({ keys }) => !keys.has(hash)); waited += LOOK_MS) {
      if (waited > GIVE_UP_MS || failure !== undefined) {
        const missing = staying.filter(({ keys }) => !keys.has(hash)).length;
        throw new Error(`${missing} of ${staying.length} devices have not come to the key: ${failure}`);
      }
      await wait(LOOK_MS);
    }
    if (listeners.some(({ attendant, keys }) => without.includes(attendant.deviceId) && keys.has(hash))) {
      throw new Error('a device that was removed has the key');
    }
    const keys = staying.map((each) => each.keys.get(hash));
    const [key, ...others] = new Set(keys.map((each) => each?.key));
    if (key === undefined || others.length > 0) throw new Error('the devices have come to different keys');
    const received = staying.map((each) => each.received.get(hash) ?? Number.NaN);
    return {
      devices: staying.length,
      firstReceived: received.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY),
      lastReceived: received.reduce((most, each) => Math.max(most, each), 0),
      lastKey: keys.reduce((most, each) => Math.max(most, each?.at ?? Number.NaN), 0),
      key,
    };
  },
};
export type ListenersProcess = typeof handlers;

const LOOK_MS = 50;
const LOG_LOOK_MS = 250;
const GIVE_UP_MS = 900_000;

/** Whether it does; its error once that has taken too long. */
async function succeeds(work: () => Promise<void>, waited: number): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (waited > GIVE_UP_MS) throw error;
    return false;
  }
}

async function forEach<Each>(all: readonly Each[], work: (each: Each) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await work(next);
  });
  await Promise.all(workers);
}

/** The first one: the others follow from it. */
let failure: string | undefined;

function fail(reason: string): void {
  failure ??= reason;
}

async function listen(audience: Audience, listener: Listener, number: number): Promise<void> {
  const from = { ...audience, since: listener.since };
  const response = await openStream(from, listener.attendant, number, fail);
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const events = (text + chunk).split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) takeEvent(audience.host, listener, event);
  });
  // Every stream ends after some minutes, and is taken up where it was.
  response.on('end', () => {
    listen(audience, listener, number).catch((error: Error) => fail(error.stack ?? ''));
  });
}

function takeEvent(host: RekeySender, listener: Listener, event: string): void {
  const kind = /^event: ?(\w+)$/m.exec(event)?.[1];
  const data = /^data: ?(.*)$/m.exec(event)?.[1];
  // Also of an event that says no more: nothing up to there was for this device.
  listener.since = Number(/^id: ?(\d+)$/m.exec(event)?.[1] ?? listener.since);
  if (kind === undefined || data === undefined) return;
  const at = now();
  const work = async () => {
    if (kind === 'rekey') await takeRekey(host, listener, data, at);
    if (kind === 'placement') await takePlacement(listener, placementEventSchema.parse(JSON.parse(data)));
  };
  listener.turn = listener.turn.then(work).catch((error: Error) => fail(error.stack ?? ''));
}

async function takeRekey(host: RekeySender, listener: Listener, data: string, at: number): Promise<void> {
  const verifying = verified.get(data) ?? verifyRekey(rekeyEventSchema.parse(JSON.parse(data)).token, host);
  verified.set(data, verifying);
  const message = await verifying;
  const { claims, hash } = message;
  listener.received.set(hash, at);
  messages.set(hash, message);
  const { path } = listener;
  if (path === undefined) return;
  if (claims.change.left.includes(path.leaf)) {
    listener.path = undefined;
    return;
  }
  listener.path = await followRekey(path, claims);
  await noteKey(listener, message);
}

const messages = new Map<string, RekeyMessage>();

/** The host's messages come before their placements here. */
async function takePlacement(
  listener: Listener,
  { rekey, box }: { rekey: string; box: string },
): Promise<void> {
  const message = messages.get(rekey);
  if (message === undefined) throw new Error('a placement came before its message');
  const { claims } = message;
  const entry = claims.change.joined.find(({ device_id }) => device_id === listener.attendant.deviceId);
  if (entry === undefined) throw new Error('a placement of somebody else');
  listener.path = await openPlacement(box, { ...claims, ...entry }, claims.levels, listener.ephemeral);
  await noteKey(listener, message);
}

async function noteKey(listener: Listener, { claims, hash }: RekeyMessage): Promise<void> {
  if (listener.path === undefined) return;
  const key = encodeBase64url(await openEpochKey(listener.path, claims));
  listener.keys.set(hash, { at: now(), key });
}

answerParent(handlers, () => process.exit());
