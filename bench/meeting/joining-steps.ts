import { Agent } from 'node:https';
import { json } from 'node:stream/consumers';
import { newId } from '../../bridge/lib/ids.ts';
import { meSchema } from '../../protocol/api.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { importSigningKey } from '../../protocol/ed25519.ts';
import { keyOpeningSchema } from '../../protocol/groups/api.ts';
import { assertSealedPlaintext } from '../../protocol/groups/sealed-key.ts';
import { meetingStateSchema } from '../../protocol/meetings/api.ts';
import type { EphemeralKey } from '../../protocol/meetings/hpke.ts';
import { claimedRekey, type Rekey } from '../../protocol/meetings/rekey-message.ts';
import { PRESENCE_LIFE, signPresence } from '../../protocol/presence.ts';
import { decodeEncryptedValue } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { PrePrivateKey } from '../../recrypt/transform-engine.ts';
import type { Attendant } from './crowd.ts';
import { askAsDevice } from './device-request.ts';
import type { StreamAt } from './open-stream.ts';

/** What a device asks of its bridge before it listens, in this order. */
export const STEPS = ['me', 'state', 'key', 'presence'] as const;
export type JoiningStep = (typeof STEPS)[number];

/** A device on its way into a meeting. */
export interface JoiningDevice {
  readonly attendant: Attendant;
  readonly ephemeral: EphemeralKey;
  /** What its bridge has answered so far. */
  shown?: { readonly address: string; readonly credential: object; readonly device_binding: string };
  message?: Rekey;
  /** How far the meeting's messages were then: it listens from there on. */
  seq?: number;
}

export interface JoiningAt extends StreamAt {
  /** The private half of every device’s encryption key. */
  readonly pre: PrePrivateKey;
}

/** Connections that the devices of a process share: each would have its own, and a stream has. */
const CONNECTIONS = 16;

/** The steps of a device at its bridge, as the client takes them. `number` gives it an address of its own. */
export function createJoiningSteps({ peer, meeting, pre }: JoiningAt) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

  async function ask({ attendant }: JoiningDevice, number: number, path: string, body?: object) {
    const wanted = { peer, path, agent, ...(body === undefined ? {} : { body }) };
    return json((await askAsDevice(wanted, attendant, number)).response);
  }

  const steps: Record<JoiningStep, (device: JoiningDevice, number: number) => Promise<void>> = {
    async me(device, number) {
      const {
        credential,
        device_binding: binding,
        addresses,
      } = meSchema.parse(await ask(device, number, '/v1/me'));
      const [address] = addresses;
      if (credential === null || binding === null || address === undefined) throw new Error('nobody vouches');
      const { attributes: _ours, ...shown } = credential;
      device.shown = { address, credential: shown, device_binding: binding };
    },
    async state(device, number) {
      const { rekey, seq } = meetingStateSchema.parse(
        await ask(device, number, '/v1/meetings/state', meeting),
      );
      if (rekey === null) throw new Error('the meeting has not begun');
      device.message = claimedRekey(rekey).claims;
      device.seq = seq;
    },
    /** What comes out is opened for one device of each hundred: they have one key, and one machine here. */
    async key(device, number) {
      const { key_id, commitment } = device.message ?? {};
      const body = { request_id: newId(), to: meeting, key_id };
      const { encrypted, hops } = keyOpeningSchema.parse(await ask(device, number, '/v1/key-openings', body));
      if (number % 100 !== 0 || commitment === undefined || commitment === null) return;
      const engine = await loadTransformEngine();
      const value = decodeEncryptedValue(decodeBase64url(encrypted), { maxBlocks: hops });
      assertSealedPlaintext({ commitment }, engine.decrypt(value, pre));
    },
    async presence(device, number) {
      const { attendant, ephemeral, message, shown } = device;
      if (message === undefined || shown === undefined) throw new Error('a step was left out');
      const now = Math.floor(Date.now() / 1000);
      const proof = await signPresence(await importSigningKey(attendant.deviceKey), {
        ...{ iss: attendant.iss, sub: attendant.sub, device_id: attendant.deviceId },
        ...{ aud: meeting.iss, meeting: meeting.group, epoch: message.epoch, challenge: message.challenge },
        media_key: 'media',
        ephemeral: { kty: 'OKP', crv: 'X25519', x: encodeBase64url(ephemeral.publicKey) },
        ...{ iat: now, exp: now + PRESENCE_LIFE },
      });
      await ask(device, number, '/v1/meetings/presence', { ...meeting, ...shown, proof });
    },
  };
  return { steps, close: () => agent.destroy() };
}
