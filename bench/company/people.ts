import { noteDeviceSignIn } from '../../bridge/binding/device-sign-ins.ts';
import { assignAddress } from '../../bridge/directory/addresses.ts';
import { insertPersonKeys } from '../../bridge/directory/person-keys.ts';
import { insertPerson, setKeyVersion } from '../../bridge/directory/persons.ts';
import { insertStatement } from '../../bridge/directory/statements.ts';
import type { KeyLog } from '../../bridge/keylog/key-log.ts';
import { type Clock, seconds } from '../../bridge/lib/clock.ts';
import { newId } from '../../bridge/lib/ids.ts';
import type { Database, Transaction } from '../../bridge/storage/database.ts';
import { generateSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import { type SignedStatement, signStatement, statementBytes } from '../../protocol/key-statement.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { DOMAIN } from './domain.ts';

/** Somebody whose keys are published. */
export interface Enrolled extends SignedStatement {
  readonly name: string;
  readonly sig: SigningKey;
}

export const SIGN_IN = { protocol: 'oidc', acr: null, amr: ['pwd', 'otp'], authTime: 1_763_800_000 } as const;

/**
 * People with real keys and statements that they signed themselves, stored as an enrolment stores them. Share and
 * vault, which no look-up reads, are no real ones.
 */
export async function insertPeople(
  deps: { database: Database; keyLog: KeyLog; iss: string; clock: Clock },
  count: number,
): Promise<Enrolled[]> {
  const people = await makePeople(deps.iss, count, seconds(deps.clock));
  await deps.database.transaction(async (tx) => {
    for (const person of people) await insertOne(tx, deps.keyLog, person);
  });
  return people;
}

/** The same people without a store. `since` in seconds. */
export async function makePeople(iss: string, count: number, since: number): Promise<Enrolled[]> {
  const engine = await loadTransformEngine();
  const people: Enrolled[] = [];
  for (let index = 0; index < count; index += 1) {
    const sig = await generateSigningKey(true);
    const pre = preToJwk(engine.generateKeyPair().publicKey);
    const statement = {
      ...{
        v: 1 as const,
        iss,
        sub: newId(),
        address: `person-${index}@${DOMAIN}`,
        version: 0,
        key_version: 0,
      },
      ...{ status: 'active' as const, keys: [pre, sig.publicKey] as [typeof pre, typeof sig.publicKey] },
      ...{ assurance: 'member' as const, escrow: 'none' as const, since, prev: null },
    };
    const signatures = [await signStatement(sig, statement)];
    people.push({ statement, signatures, sig, name: `Person Number ${index}` });
  }
  return people;
}

async function insertOne(tx: Transaction, keyLog: KeyLog, person: Enrolled): Promise<void> {
  const { statement, signatures, name } = person;
  const { sub, address, version, key_version, keys, since } = statement;
  await insertPerson(tx, { sub, name, assurance: 'member', created: since });
  const held = { address, domain: DOMAIN, sub, connectionId: 'bench', primary: true, now: since };
  await assignAddress(tx, held);
  const share = crypto.getRandomValues(new Uint8Array(60));
  const vault = crypto.getRandomValues(new Uint8Array(1_500));
  await insertPersonKeys(tx, { sub, address, key_version, keys, share, vault, escrow: null });
  await setKeyVersion(tx, sub, key_version);
  await insertStatement(tx, { statement, signatures });
  const { protocol, acr, amr, authTime } = SIGN_IN;
  await noteDeviceSignIn(tx, sub, { protocol, acr, amr: [...amr], auth_time: authTime });
  await keyLog.stage(tx, { kind: 'address', name: address, version, value: statementBytes(statement) });
}
