import { seconds, systemClock } from '../../bridge/lib/clock.ts';
import type { GroupRef } from '../../client/index.ts';
import { createBridgeGroup } from '../../client/meetings/bridge-group.ts';
import { createBridgeRelay } from '../../client/meetings/bridge-relay.ts';
import { mayPass } from '../../client/meetings/may-pass.ts';
import type { MeetingRelay } from '../../client/meetings/relay.ts';
import { askWhoIAm, currentDevice } from '../../client/own-account.ts';
import type { Company } from '../../demo/stage/company.ts';
import { ADA, GWEN } from '../../demo/stage/people.ts';
import { readConfig } from '../../demo/stage/start-company.ts';
import type { Placement, RekeyUpload } from '../../protocol/meetings/api.ts';
import { MeetingHost, type MembersChange } from '../../protocol/meetings/host-tree.ts';
import type { SignatureKey } from '../../protocol/public-key.ts';
import type { PrePrivateKey } from '../../recrypt/transform-engine.ts';
import type { Peer } from '../look-up/kept-connection.ts';
import { answerParent } from '../processes/child.ts';
import { cpuMs } from '../processes/cpu.ts';
import { type Attendant, inStoreOf, insertCrowd, insertNames, withStoreOf } from './crowd.ts';
import { founderKeys } from './founder-keys.ts';
import { openTwoCompanies, type Participant, type TwoCompanies } from './two-companies.ts';

/** What a host's start of a meeting with one durable group cost. */
export interface StartCost {
  /** Of the host's client and the bridge together, which share this process. */
  readonly cpuMs: number;
  readonly ms: number;
  readonly bytesSent: number;
  readonly transformKeysMade: number;
  readonly encryptions: number;
}

/** People at one bridge, with a connection that leads there. */
export interface CrowdAt {
  readonly peer: Peer;
  readonly attendants: readonly Attendant[];
  /** The private half of each device’s encryption key, where they can open keys. */
  readonly pre: PrePrivateKey;
}

/** A meeting with a crowd of the home company and one of its partner. */
export interface OpenMeeting {
  readonly iss: string;
  readonly group: string;
  readonly host: { readonly sub: string; readonly key: SignatureKey };
  readonly home: CrowdAt;
  readonly partner: CrowdAt;
}

/** A message that the bridge has taken. */
export interface SentRekey {
  readonly token: string;
  readonly hash: string;
  readonly placements: readonly Placement[];
  /** Of the newest message of the relay: what is sent with this one has come before it. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly begun: number;
  readonly answered: number;
  readonly sealCpuMs: number;
  /** The host's work on tree and message. */
  readonly treeCpuMs: number;
  /** Of the message, of the sealed key with its statement, and of the placements. */
  readonly bytes: { readonly token: number; readonly sealed: number; readonly placements: number };
}

export interface MeetingSize {
  readonly home: number;
  readonly partner: number;
  /** Whether they can open keys and show their presence: they are in the key log then, and have transform keys. */
  readonly complete?: boolean;
}

type Send = (change: MembersChange) => Promise<SentRekey>;

let companies: TwoCompanies | undefined;
let send: Send | undefined;

const handlers = {
  open: async (): Promise<void> => {
    companies = await openTwoCompanies();
  },
  /** The cost of the start alone; the durable group has so many members by then. */
  start: async (members: number): Promise<StartCost> => startMeeting(opened(), members),
  meet: async (size: MeetingSize): Promise<OpenMeeting> => meet(opened(), size),
  /** Of both bridges and the host, all threads. */
  cpu: async (): Promise<number> => cpuMs(),
  send: async (change: MembersChange): Promise<SentRekey> => {
    if (send === undefined) throw new Error('there is no meeting');
    return send(change);
  },
};
export type CompaniesProcess = typeof handlers;

function opened(): TwoCompanies {
  if (companies === undefined) throw new Error('the companies are not open');
  return companies;
}

async function newTeam({ client }: Participant, expected: string): Promise<GroupRef & { group: string }> {
  const { iss, group } = await client.groups.create({ kind: 'durable', label: 'Everybody' });
  return { iss, group, expected };
}

const inAnHour = () => seconds(systemClock) + 3_600;

async function startMeeting({ home, ada }: TwoCompanies, members: number): Promise<StartCost> {
  const team = await newTeam(ada, ADA.address);
  await inStoreOf(readConfig(home.configPath), (tx) => insertNames(tx, team.group, home.issuer, members));
  ada.takeSent();
  ada.takeEngineCalls();
  const [cpuBefore, begun] = [cpuMs(), performance.now()];
  const meeting = await ada.client.meetings.start({
    ...{ label: 'Bench', ends: inAnHour(), mediaKey: 'media' },
    groups: [team],
  });
  const cost = { cpuMs: cpuMs() - cpuBefore, ms: performance.now() - begun };
  const calls = ada.takeEngineCalls();
  const bytesSent = ada.takeSent();
  await meeting.end();
  return {
    ...{ ...cost, bytesSent, encryptions: calls.get('encrypt') ?? 0 },
    transformKeysMade: calls.get('generateTransformKey') ?? 0,
  };
}

async function meet({ home, partner, ada, gwen, ca }: TwoCompanies, size: MeetingSize): Promise<OpenMeeting> {
  const teams = [await newTeam(ada, ADA.address), await newTeam(gwen, GWEN.address)] as const;
  // Only who is in a group sees its key: Ada could not add it otherwise.
  await gwen.client.groups.add(teams[1], { people: [ADA.address] });
  const { iss, group } = await ada.client.groups.create({
    kind: 'meeting',
    label: 'Everybody',
    ends: inAnHour(),
  });
  await ada.client.groups.add({ iss, group, expected: ADA.address }, { groups: teams });
  const crowdAt = async (company: Company, founder: Participant, team: string, count: number) => {
    const config = readConfig(company.configPath);
    const { id: deviceId, pre } = await currentDevice(founder.parts.context);
    const { sub } = await askWhoIAm(founder.parts);
    const attendants: Attendant[] = [];
    await withStoreOf(config, async (database) => {
      const keys = size.complete ? await founderKeys(database, config, { team, sub, deviceId }) : null;
      while (attendants.length < count) {
        // A transaction of thousands of people would keep the running bridge from writing for seconds.
        const plan = { group: team, domain: company.domain, from: attendants.length, to: count, keys };
        attendants.push(...(await database.transaction((tx) => insertCrowd(tx, config, plan))));
      }
    });
    const peer = { host: company.bridgeHost, port: company.port, ca };
    return { peer, attendants, pre } satisfies CrowdAt;
  };
  const { parts } = ada;
  const device = await currentDevice(parts.context);
  const { sub } = await askWhoIAm(parts);
  send = await hostOf(ada, { iss, group }, sub);
  return {
    ...{ iss, group, host: { sub, key: device.sig.publicKey } },
    home: await crowdAt(home, ada, teams[0].group, size.home),
    partner: await crowdAt(partner, gwen, teams[1].group, size.partner),
  };
}

/** The host's side of a meeting, without verifying who shows up: nobody of the crowd can be looked up. */
async function hostOf(
  { parts }: Participant,
  ref: { iss: string; group: string },
  sub: string,
): Promise<Send> {
  const { sig } = await currentDevice(parts.context);
  const group = await createBridgeGroup(parts, ref, ADA.address);
  const relay = createBridgeRelay(parts.api, ref);
  const host = MeetingHost.begin({ ...ref, sub, device: sig, after: null });
  return async (change) => {
    const cpuBefore = cpuMs();
    const sealed = await group.seal({ term: host.term, epoch: host.epoch + 1 });
    const sealedBy = cpuMs();
    const begun = performance.timeOrigin + performance.now();
    const prepared = await host.prepare(change, sealed, seconds(systemClock));
    host.commit(prepared);
    const treeCpuMs = cpuMs() - sealedBy;
    const { token, placements, hash } = prepared;
    const sealedKey = { token: sealed.token, encrypted: sealed.encrypted };
    await untilTaken(relay, { token, sealed_key: sealedKey, placements: [...placements] });
    const answered = performance.timeOrigin + performance.now();
    const bytes = {
      token: token.length,
      sealed: JSON.stringify(sealedKey).length,
      placements: JSON.stringify(placements).length,
    };
    const { seq } = await untilAnswered(() => relay.state());
    return {
      ...{ token, hash, placements, seq, begun, answered, bytes },
      ...{ sealCpuMs: sealedBy - cpuBefore, treeCpuMs },
    };
  };
}

/** Sends as a host's client does: whether the bridge took what it did not answer in time is seen in the meeting's state. */
async function untilTaken(relay: MeetingRelay, upload: RekeyUpload): Promise<void> {
  let isFirst = true;
  await untilAnswered(async () => {
    const isTaken = !isFirst && (await relay.state()).rekey === upload.token;
    isFirst = false;
    if (!isTaken) await relay.rekey(upload);
  });
}

/** A bridge that writes to ten thousand streams, in one process with the host, may let a request wait too long. */
async function untilAnswered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error)) throw error;
    }
  }
}

answerParent(handlers, () => companies?.close());
