import { encodeBase64url } from '../../../protocol/base64url.ts';
import { utf8 } from '../../../protocol/bytes.ts';
import type { SigningKey } from '../../../protocol/ed25519.ts';
import { sha256 } from '../../../protocol/hash.ts';
import {
  type EpochSecret,
  MeetingHost,
  type MembersChange,
  type Newcomer,
  type PreparedRekey,
} from '../../../protocol/meetings/host-tree.ts';
import { type EphemeralKey, generateEphemeralKey } from '../../../protocol/meetings/hpke.ts';
import { MeetingMember } from '../../../protocol/meetings/member-tree.ts';
import {
  type Rekey,
  type RekeyMessage,
  type RekeySender,
  signRekey,
  verifyRekey,
} from '../../../protocol/meetings/rekey-message.ts';
import { NOW, testDigest, testKey } from '../company.ts';

export const HOME = 'https://bridge.acme.example';
export const GLOBEX = 'https://bridge.globex.example';
export const GROUP = testDigest('meeting group');
export const ADMINS = ['sub-alice', 'sub-carol'];

/** The key of an epoch, by its name. */
export function epochSecret(name: string): EpochSecret {
  return {
    key: sha256(utf8(`epoch key ${name}`)),
    keyId: testDigest(`key id ${name}`),
    commitment: testDigest(`commitment ${name}`),
  };
}

/** A participant's device, with an ephemeral key for one presence proof. */
export interface Guest {
  readonly newcomer: Newcomer;
  readonly ephemeral: EphemeralKey;
}

export async function makeGuest(name: string, ephemeral?: EphemeralKey): Promise<Guest> {
  const key = ephemeral ?? (await generateEphemeralKey());
  return {
    ephemeral: key,
    newcomer: {
      iss: GLOBEX,
      sub: `sub-${name}`,
      device_id: testDigest(`device ${name}`),
      ephemeral: encodeBase64url(key.publicKey),
    },
  };
}

/** The same device with a new presence proof. */
export async function again({ newcomer }: Guest): Promise<Guest> {
  const ephemeral = await generateEphemeralKey();
  return { ephemeral, newcomer: { ...newcomer, ephemeral: encodeBase64url(ephemeral.publicKey) } };
}

export async function makeGuests(count: number, prefix = 'guest'): Promise<Guest[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => makeGuest(`${prefix}-${index}`)));
}

/** A member's side for a guest, ready to be placed. */
export function memberFor({ newcomer, ephemeral }: Guest): MeetingMember {
  const { iss, sub, device_id } = newcomer;
  const member = new MeetingMember({
    ...{ group: GROUP, iss: HOME, admins: ADMINS },
    self: { iss, sub, device_id },
  });
  member.expectPlacement(ephemeral);
  return member;
}

export interface Sent extends PreparedRekey {
  readonly message: RekeyMessage;
  readonly key: Uint8Array;
}

/** A host with its device, which sends by committing at once. */
export class Hosting {
  readonly host: MeetingHost;
  readonly device: SigningKey;
  readonly sender: RekeySender;

  private constructor(host: MeetingHost, device: SigningKey, sub: string) {
    this.host = host;
    this.device = device;
    this.sender = { iss: HOME, sub, key: device.publicKey };
  }

  static async begin(name = 'alice', after: RekeyMessage | null = null): Promise<Hosting> {
    const device = await testKey(`device ${name} laptop`);
    const sub = `sub-${name}`;
    const host = MeetingHost.begin({ group: GROUP, iss: HOME, sub, device, after });
    return new Hosting(host, device, sub);
  }

  async send(change: Partial<MembersChange> = {}): Promise<Sent> {
    const secret = epochSecret(`${this.host.term}/${this.host.epoch + 1}`);
    const prepared = await this.host.prepare({ joined: [], left: [], ...change }, secret, NOW);
    this.host.commit(prepared);
    const message = await verifyRekey(prepared.token, this.sender);
    return { ...prepared, message, key: secret.key };
  }

  /** What this host would have to sign for a message to differ from an honest one in these points. */
  async lie(honest: Sent, changes: Partial<Rekey>): Promise<RekeyMessage> {
    const token = await signRekey(this.device, { ...honest.claims, ...changes } as Rekey);
    return verifyRekey(token, this.sender);
  }
}

export function boxOf(sent: PreparedRekey, { newcomer }: Guest): string {
  const placement = sent.placements.find(({ device_id }) => device_id === newcomer.device_id);
  if (placement === undefined) throw new Error(`${newcomer.sub} has no placement`);
  return placement.box;
}

/** Gives the message to everybody, and the boxes to whom they are for. Answers each one's key. */
export async function deliver(
  sent: Sent,
  to: ReadonlyMap<Guest, MeetingMember>,
): Promise<Map<Guest, Uint8Array | null>> {
  const keys = new Map<Guest, Uint8Array | null>();
  for (const [guest, member] of to) {
    const received = await member.receive(sent.message);
    const isPlaced = sent.placements.some(({ device_id }) => device_id === guest.newcomer.device_id);
    const placed = isPlaced ? await member.place(sent.hash, boxOf(sent, guest)) : null;
    keys.set(guest, placed?.key ?? received.key);
  }
  return keys;
}
