import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client, PresenceProof } from '../../client/client.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { codeOf } from '../protocol/codes.ts';
import { enrolled, newClient, signIn } from './fixture.ts';

let engine: TransformEngine;
let bridge: FakeBridge;
let alice: Client;
let host: Client;
let close: () => Promise<void>;
const address = 'alice@acme.example';
const place = { meeting: 'meeting-1', epoch: 3, challenge: 'c'.repeat(43), aud: 'host-device' };

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
  bridge.addPerson('alice');
  bridge.addPerson('henry');
  alice = await enrolled(bridge, engine, address);
  host = await enrolled(bridge, engine, 'henry@acme.example');
  await host.lookUp([address]);
});
afterEach(() => close());

const present = () => alice.createPresence({ ...place, mediaKey: 'media-key' });
const refused = (shown: PresenceProof, change: object = {}) =>
  codeOf(() => host.verifyPresence(shown, { address, ...place, ...change }));

describe('a presence proof', () => {
  it('shows person, device and media key, without asking a bridge', async () => {
    const shown = await present();
    const requests = bridge.seen.length;
    const { person, device, presence } = await host.verifyPresence(shown, { address, ...place });
    expect(person).toMatchObject({ status: 'verified', address });
    expect(device.device_id).toBe(presence.device_id);
    expect(presence.media_key).toBe('media-key');
    expect(bridge.seen).toHaveLength(requests);
  });

  it('brings an ephemeral key whose private half stays here', async () => {
    const { ephemeralPrivateKey } = await present();
    expect(ephemeralPrivateKey.extractable).toBe(false);
  });

  it('is refused when it is relayed from another meeting, epoch or challenge', async () => {
    const shown = await present();
    expect(await refused(shown, { meeting: 'meeting-2' })).toBe('presence_mismatch');
    expect(await refused(shown, { epoch: 4 })).toBe('presence_mismatch');
    expect(await refused(shown, { challenge: 'd'.repeat(43) })).toBe('presence_mismatch');
  });

  it('is refused for another audience', async () => {
    expect(await refused(await present(), { aud: 'another-device' })).toBe('jws_audience');
  });

  it('is refused with somebody else’s credential or device', async () => {
    const shown = await present();
    const other = await host.createPresence({ ...place, mediaKey: 'media-key' });
    expect(await refused({ ...shown, credential: other.credential })).toBe('claims_invalid');
    expect(await refused({ ...shown, device_binding: other.device_binding })).toBe('endorsement_mismatch');
    expect(await refused({ ...shown, proof: other.proof })).toBe('jws_unknown_key');
  });

  it('is refused when it is old', async () => {
    const shown = await present();
    bridge.time += 600;
    expect(await refused(shown)).toBe('jws_expired');
  });

  it('cannot be made before enrolment', async () => {
    bridge.addPerson('zoe');
    const zoe = newClient(bridge, engine);
    await signIn(bridge, zoe, 'zoe@acme.example');
    expect(await codeOf(() => zoe.createPresence({ ...place, mediaKey: 'm' }))).toBe('not_enrolled');
  });
});
