import type { Config } from '../../bridge/config/index.ts';
import { assignAddress } from '../../bridge/directory/addresses.ts';
import { insertDevice } from '../../bridge/directory/devices.ts';
import { insertPersonKeys } from '../../bridge/directory/person-keys.ts';
import { insertPerson, setKeyVersion } from '../../bridge/directory/persons.ts';
import { insertStatement } from '../../bridge/directory/statements.ts';
import { saveMember } from '../../bridge/groups/member-store.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import type { StagingLog } from '../../bridge/keylog/key-log.ts';
import { seconds, systemClock } from '../../bridge/lib/clock.ts';
import { newHandle, newId } from '../../bridge/lib/ids.ts';
import { insertGrantFacts, saveRecord } from '../../bridge/oauth/record-store.ts';
import type { Database, Transaction } from '../../bridge/storage/database.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import { signDeviceEndorsement } from '../../protocol/device.ts';
import { exportSigningKey, generateSigningKey } from '../../protocol/ed25519.ts';
import { signStatement, statementBytes } from '../../protocol/key-statement.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { Asker } from '../company/asker.ts';
import { SIGN_IN } from '../company/people.ts';
import type { CrowdKeys } from './founder-keys.ts';

/** Somebody with an endorsed device and a token, who is in a durable group. */
export interface Attendant extends Asker {
  readonly iss: string;
  readonly sub: string;
}

const DAY_S = 86_400;
const AT_ONCE = 250;

/** In the store of a bridge, which may be running. */
export async function inStoreOf<Result>(
  config: Config,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  return withStoreOf(config, (database) => database.transaction(work));
}

export async function withStoreOf<Result>(
  config: Config,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase(config.storage, systemClock);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/**
 * Members of a durable group, by their names alone: nobody could transform for them. Transform keys that a meeting's host
 * never sees cost it nothing, and thousands of real ones would cost the bench minutes.
 */
export async function insertNames(tx: Transaction, group: string, iss: string, count: number): Promise<void> {
  const keys = await noKeys();
  for (let index = 0; index < count; index += 1)
    await insertName(tx, { group, iss, sub: newId(), index }, keys);
}

export interface CrowdPlan {
  readonly group: string;
  readonly domain: string;
  readonly from: number;
  readonly to: number;
  /** Null for people whom nobody transforms for. */
  readonly keys: CrowdKeys | null;
}

/** Keys that lead nowhere, for who takes no key by transform. */
export async function noKeys(): Promise<CrowdKeys> {
  const engine = await loadTransformEngine();
  const pre = preToJwk(engine.generateKeyPair().publicKey);
  const random = async () => crypto.getRandomValues(new Uint8Array(800));
  return { pre: [pre, pre], toMember: random, toDevice: random };
}

/** The next 250 people who can take part in meetings, with one `pre` key for all; in the key log where they have keys. */
export async function insertCrowd(
  tx: Transaction,
  { issuer: iss }: Config,
  { group, domain, from, to, keys }: CrowdPlan,
): Promise<Attendant[]> {
  const given = keys ?? (await noKeys());
  const log = keys === null ? null : createStagingLog();
  const crowd: Attendant[] = [];
  for (let index = from; index < Math.min(to, from + AT_ONCE); index += 1) {
    const attendant = await insertAttendant(tx, iss, { keys: given, log }, domain);
    await insertName(tx, { group, iss, sub: attendant.sub, index }, given);
    crowd.push(attendant);
  }
  return crowd;
}

async function insertName(
  tx: Transaction,
  { group, iss, sub, index }: { group: string; iss: string; sub: string; index: number },
  keys: Pick<CrowdKeys, 'toMember'>,
): Promise<void> {
  const name = {
    ...{ group_id: group, kind: 'person' as const, iss, member_id: sub, key_version: 0 },
    group_key_version: 0,
  };
  // Behind the founder’s own.
  const generation = index + 1_000;
  const transformKey = await keys.toMember(name);
  await saveMember(tx, { ...name, transform_key: transformKey, generation, added: seconds(systemClock) });
}

async function insertAttendant(
  tx: Transaction,
  iss: string,
  { keys: { pre, toDevice }, log }: { keys: CrowdKeys; log: StagingLog | null },
  domain: string,
): Promise<Attendant> {
  const now = seconds(systemClock);
  const sub = newId();
  const address = `${sub}@${domain}`;
  const [person, device] = [await generateSigningKey(true), await generateSigningKey(true)];
  const keys: [EncryptionKey, typeof person.publicKey] = [pre[0], person.publicKey];
  await insertPerson(tx, { sub, name: address, assurance: 'member', created: now });
  await assignAddress(tx, { address, domain, sub, connectionId: 'bench', primary: true, now });
  const [share, vault] = [crypto.getRandomValues(new Uint8Array(60)), new Uint8Array(1_500)];
  await insertPersonKeys(tx, { sub, address, key_version: 0, keys, share, vault, escrow: null });
  await setKeyVersion(tx, sub, 0);
  const statement = {
    ...{ v: 1 as const, iss, sub, address, version: 0, key_version: 0, status: 'active' as const, keys },
    ...{ assurance: 'member' as const, escrow: 'none' as const, since: now, prev: null },
  };
  await insertStatement(tx, { statement, signatures: [await signStatement(person, statement)] });
  await log?.stage(tx, { kind: 'address', name: address, version: 0, value: statementBytes(statement) });
  const deviceKeys: typeof keys = [pre[1], device.publicKey];
  const claims = { iss, sub, device_id: device.kid, keys: deviceKeys, key_version: 0, iat: now };
  await insertDevice(tx, {
    ...{ device_id: device.kid, sub, label: 'bench', keys: deviceKeys, key_version: 0, added: now },
    endorsement: await signDeviceEndorsement(person, claims),
    transform_key: await toDevice({ sub, deviceId: device.kid, keyVersion: 0 }),
  });
  const [grantId, accessToken] = [newId(), newHandle()];
  const facts = { grant_id: grantId, sub, app_id: 'bench-app', connection_id: 'bench', created: now };
  await insertGrantFacts(tx, { ...facts, sign_in: JSON.stringify(SIGN_IN) });
  const token = { grantId, accountId: sub, clientId: 'bench-app', jkt: device.kid, scope: 'countersign' };
  await saveRecord(tx, 'AccessToken', accessToken, token, now + DAY_S);
  return { iss, sub, deviceId: device.kid, accessToken, deviceKey: await exportSigningKey(device) };
}
