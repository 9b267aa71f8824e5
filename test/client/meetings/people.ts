import type { Client } from '../../../client/client.ts';
import { type ClientContext, createContext, type Device } from '../../../client/context.ts';
import type {
  GroupFacts,
  MeetingGroup,
  OpenedEpoch,
  SealedEpoch,
} from '../../../client/meetings/meeting-group.ts';
import { createMemoryKeyStore, createMemoryPinStore } from '../../../client/memory-stores.ts';
import { verifyShownCredential } from '../../../client/offline.ts';
import { currentDevice } from '../../../client/own-account.ts';
import { randomId } from '../../../client/random-id.ts';
import { decodeBase64url, encodeBase64url } from '../../../protocol/base64url.ts';
import { verifyDeviceBinding } from '../../../protocol/device.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import {
  sealedKeyCommitment,
  sealedKeySchema,
  signSealedKey,
  verifySealedKey,
} from '../../../protocol/groups/sealed-key.ts';
import type { SignerEvidence, VerifiedSigner } from '../../../protocol/groups/signer-evidence.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { decodeClaims } from '../../../protocol/jws.ts';
import { thumbprint } from '../../../protocol/public-key.ts';
import { decodeEncryptedValue, encodeEncryptedValue, preToJwk } from '../../../recrypt/encoding.ts';
import type { PreKeyPair, TransformEngine } from '../../../recrypt/transform-engine.ts';
import type { FakeBridge } from '../../fakes/fake-bridge/fake-bridge.ts';
import { enrolled } from '../fixture.ts';
import type { MemoryMeeting } from './memory-relay.ts';

/** Somebody of the company with a device of their own. */
export interface Attending {
  readonly client: Client;
  readonly context: ClientContext;
  readonly device: Device;
  readonly iss: string;
  readonly sub: string;
  readonly address: string;
  evidence(): Promise<SignerEvidence>;
}

export async function attending(
  bridge: FakeBridge,
  engine: TransformEngine,
  name: string,
): Promise<Attending> {
  const address = `${name}@acme.example`;
  const stores = { keyStore: createMemoryKeyStore(), pinStore: createMemoryPinStore() };
  bridge.addPerson(name);
  const client = await enrolled(bridge, engine, address, stores);
  const context = createContext({
    ...{ issuer: bridge.issuer, clientId: 'test-app', engine, ...stores },
    ...{ clock: { now: () => bridge.time * 1000 }, polling: { firstMs: 1, longestMs: 5 } },
  });
  const { iss, sub } = await client.me();
  return {
    ...{ client, context, iss, sub, address },
    device: await currentDevice(context),
    async evidence() {
      const { credential, deviceBinding } = await client.me();
      if (credential === null || deviceBinding === null) throw new CountersignError('not_enrolled');
      const { attributes: _ours, ...shown } = credential;
      return { address, credential: shown, device_binding: deviceBinding };
    },
  };
}

/** The group of a meeting without a bridge: real keys, real transforms, and a list of who is in. */
export interface MemoryGroup {
  readonly id: string;
  readonly admins: Attending[];
  readonly members: Set<Attending>;
  /** How often somebody was taken out. */
  removals: number;
  /** No bridge transforms for them any more. */
  remove(who: Attending): void;
  /** What the next look at the group throws for somebody, or a removal by them when it is done. */
  readonly failing: Map<Attending, CountersignError>;
  /** How often anybody opened a sealed key. */
  opened: number;
  ended: boolean;
  of(who: Attending): MeetingGroup;
}

export function createMemoryGroup(
  engine: TransformEngine,
  host: Attending,
  meeting: MemoryMeeting,
): MemoryGroup {
  const key: PreKeyPair = engine.generateKeyPair();
  const signing = engine.generateSigningKeyPair().privateKey;
  const id = thumbprint(preToJwk(key.publicKey));
  const { iss } = host;
  const group: MemoryGroup = {
    ...{
      id,
      admins: [host],
      members: new Set([host]),
      opened: 0,
      ended: false,
      removals: 0,
      failing: new Map(),
    },
    remove(who) {
      if (group.members.delete(who)) group.removals += 1;
    },
    of: (who) => memberView(who),
  };

  const facts = (): GroupFacts => ({
    ...{ label: 'Plans', ends: 2 ** 40, ended: group.ended },
    admins: group.admins.map(({ sub, address }) => ({ sub, address })),
    losses: { removals: new Map([[id, group.removals]]), exclusions: [] },
  });

  /** As the bridges do: only for members, only what the relay still keeps. */
  function transformFor(who: Attending, keyId: string) {
    if (!group.members.has(who)) throw new CountersignError('group_not_member');
    const sealed = meeting.sealed(keyId);
    if (sealed === undefined) throw new CountersignError('sealed_key_unknown');
    group.opened += 1;
    const to = engine.computePublicKey(who.device.pre);
    const transformKey = engine.generateTransformKey(key.privateKey, to, signing);
    const value = decodeEncryptedValue(decodeBase64url(sealed.encrypted), { maxBlocks: 0 });
    return { ...sealed, transformed: engine.transform(value, transformKey, signing) };
  }

  async function open(who: Attending, keyId: string): Promise<OpenedEpoch> {
    const { token, encrypted, transformed } = transformFor(who, keyId);
    const sealerSub = decodeClaims(token, 'sealed-key+jwt', sealedKeySchema).sub;
    const by = group.admins.find(({ sub }) => sub === sealerSub);
    if (by === undefined) throw new CountersignError('group_not_admin');
    const sealer = await verified(who, await by.evidence());
    const expected = { to: { iss, group: id }, key_id: keyId };
    const claims = await verifySealedKey(token, sealer, expected);
    if (claims.ciphertext !== sha256Base64url(decodeBase64url(encrypted))) {
      throw new CountersignError('sealed_key_mismatch');
    }
    const plaintext = engine.decrypt(transformed, who.device.pre);
    if (sealedKeyCommitment(plaintext) !== claims.commitment) {
      throw new CountersignError('sealed_key_commitment');
    }
    return { key: engine.deriveSymmetricKey(plaintext), claims, sealer };
  }

  async function seal(who: Attending, place: { term: number; epoch: number }): Promise<SealedEpoch> {
    const plaintext = engine.generatePlaintext();
    const encrypted = encodeEncryptedValue(engine.encrypt(plaintext, key.publicKey, signing));
    const keyId = randomId();
    const commitment = sealedKeyCommitment(plaintext);
    const token = await signSealedKey(who.device.sig, {
      ...{ v: 1, iss, sub: who.sub, to: { iss, group: id }, key_id: keyId, ...place, members: null },
      ...{ ciphertext: sha256Base64url(encrypted), commitment, iat: who.context.now() },
    });
    const sealed = { keyId, commitment, token, encrypted: encodeBase64url(encrypted) };
    return { ...sealed, key: engine.deriveSymmetricKey(plaintext) };
  }

  function memberView(who: Attending): MeetingGroup {
    const failIfDue = () => {
      const failure = group.failing.get(who);
      group.failing.delete(who);
      if (failure !== undefined) throw failure;
    };
    return {
      ...{ iss, group: id },
      get facts() {
        return facts();
      },
      async refresh() {
        failIfDue();
        return facts();
      },
      async admin(deviceId, evidence) {
        for (const each of evidence) {
          const signer = await verified(who, each);
          if (signer.device.device_id !== deviceId) continue;
          const isAdmin = group.admins.some(
            ({ sub, address }) => sub === signer.device.sub && address === signer.address,
          );
          if (isAdmin) return signer;
        }
        throw new CountersignError('group_not_admin');
      },
      seal: (place) => seal(who, place),
      open: (keyId) => open(who, keyId),
      invites: async (people) => {
        const subs = new Set([...group.members].map(({ sub }) => sub));
        return people.map(({ sub }) => (subs.has(sub) ? 'by_admins' : 'none'));
      },
      losses: async () => facts().losses,
      add: async () => ({ added: 0, notAdded: [] }),
      async restrict(address) {
        const member = [...group.members].find((each) => each.address === address);
        if (member === undefined) throw new CountersignError('group_not_member');
        group.remove(member);
        failIfDue();
        return { iss: member.iss, sub: member.sub };
      },
      async end() {
        group.ended = true;
        meeting.tell({ event: 'ended' });
      },
    };
  }
  return group;
}

async function verified({ client, context }: Attending, evidence: SignerEvidence): Promise<VerifiedSigner> {
  const { address, credential, device_binding: binding } = evidence;
  // Its issuer's record comes with a look-up.
  await client.lookUp([address]);
  const { verified: person } = await verifyShownCredential(context, credential, address);
  const device = await verifyDeviceBinding(binding, person.onlineKeys, person.statement, context.now());
  return { address, device };
}
