import type { EnrolmentResult } from '../../protocol/api.ts';
import { verifyBytes } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type EscrowOpening, type RecoveryRequest, recoveryTranscript } from '../../protocol/escrow/api.ts';
import { type SignedStatement, statementHash } from '../../protocol/key-statement.ts';
import { devicesOf, findDevice } from '../directory/devices.ts';
import { findPersonKeys, type PersonKeys } from '../directory/person-keys.ts';
import { type Person, requireActivePerson } from '../directory/persons.ts';
import { activeStatementOf } from '../directory/statements.ts';
import { seconds } from '../lib/clock.ts';
import { ESCROW_OPENINGS_PER_DAY } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';
import type { Query, Transaction } from '../storage/database.ts';
import { admitDevice, checkedTransformKey, type OfferedDevice } from './device-admission.ts';
import { signInStrength } from './device-sign-ins.ts';
import { assertDeviceKeys, assertOwnDeviceKey } from './enrolment-offer.ts';
import { openEscrow } from './escrow-checks.ts';
import type { Holder } from './holder.ts';
import { requirePersonPermission } from './permission.ts';
import type { BindingDeps, Credentials } from './services.ts';

/** Recovery (PROTOCOL §9): what was escrowed under a passphrase, for a device that has only signed in, and its way in. */
export interface Escrows {
  /**
   * What the person escrowed. Each answer is an event, and they are few. Throws `forbidden`, `device_limit`,
   * `rate_limited`, `escrow_none`, `person_closed`, `unavailable`, `conflict`.
   */
  open(who: Holder, context: RequestContext): Promise<EscrowOpening>;

  /**
   * Adds the asking device, which shows that it has the person's keys now. The same request again answers the same. Throws
   * `forbidden`, `device_limit`, `dpop_invalid`, `escrow_none`, `recovery_proof`, `endorsement_mismatch`,
   * `transform_key_mismatch`, `key_invalid`, `recrypt_input_invalid`, `person_closed`, `unavailable`, `conflict`.
   */
  recover(who: Holder, request: RecoveryRequest, context: RequestContext): Promise<EnrolmentResult>;
}

export type EscrowsDeps = BindingDeps & { readonly credentials: Credentials; readonly cache: Keyspace };

const DAY_MS = 86_400_000;

export function createEscrows(deps: EscrowsDeps): Escrows {
  const { database, events, signer } = deps;
  const openings = keyspace(deps.cache, 'escrow-openings');

  return {
    async open(who, context) {
      await requireRecovery(deps, who);
      const before = await database.read((query) => readEscrowed(deps, query, who.sub, 'passphrase'));
      if ((await openings.increment(who.sub, DAY_MS)) > ESCROW_OPENINGS_PER_DAY) {
        throw new CountersignError('rate_limited', 'It was handed out too often today.');
      }
      const name = { sub: who.sub, keyVersion: before.keys.key_version };
      const escrow = await openEscrow(signer, name, before.escrow);
      await database.transaction(async (tx) => {
        assertSame(before, await readEscrowed(deps, tx, who.sub, 'passphrase'));
        await events.append(tx, {
          type: 'escrow.opened',
          actor: context.actor,
          subject: { sub: who.sub, address: before.current.statement.address, device: who.deviceId },
          outcome: 'success',
          requestId: context.requestId,
          data: {},
        });
      });
      return { escrow, current: before.current };
    },

    async recover(who, request, context) {
      assertOwnDeviceKey(who, request.device_sig);
      if (!(await wasAdmitted(deps, who, request))) await admit(deps, who, request, context);
      return result(deps, who);
    },
  };
}

/** Policy's word on recovering. Throws `forbidden`, `device_limit`. */
export async function requireRecovery(deps: BindingDeps, who: Holder, tx?: Transaction): Promise<void> {
  const devices =
    tx === undefined
      ? await deps.database.read((query) => devicesOf(query, who.sub))
      : await devicesOf(tx, who.sub);
  requirePersonPermission(deps, who, {
    action: 'recover',
    resource: { kind: 'person', id: who.sub, owner: who.sub },
    facts: { devices: devices.length },
  });
}

interface Escrowed {
  readonly person: Person;
  readonly keys: PersonKeys;
  readonly escrow: Uint8Array;
  readonly current: SignedStatement;
}

/** What was escrowed in this way, or in whichever. Grants are served to nobody before they are published (PROTOCOL §8). */
export async function readEscrowed(
  { keyLog }: BindingDeps,
  reader: Query | Transaction,
  sub: string,
  method?: 'passphrase' | 'organization',
): Promise<Escrowed> {
  const person = await requireActivePerson(reader, sub);
  const keys = await findPersonKeys(reader, sub);
  const current = await activeStatementOf(reader, sub);
  const asked = method === undefined || current?.statement.escrow === method;
  if (keys === undefined || current === undefined || keys.escrow === null || !asked) {
    throw new CountersignError('escrow_none');
  }
  const { address, version } = current.statement;
  if (!(await keyLog.isPublished(reader, 'address', address, version))) {
    throw new CountersignError('unavailable', 'The key is not published yet.');
  }
  return { person, keys, escrow: keys.escrow, current };
}

function assertSame(before: Escrowed, after: Escrowed): void {
  const same =
    before.person.generation === after.person.generation &&
    before.current.statement.version === after.current.statement.version;
  if (!same) throw new CountersignError('conflict', 'Access was restricted meanwhile.');
}

/** Whether this very request was stored before its answer was lost. */
async function wasAdmitted(
  { database }: BindingDeps,
  who: Holder,
  request: RecoveryRequest,
): Promise<boolean> {
  const device = await database.read((query) => findDevice(query, who.deviceId));
  return device?.sub === who.sub && device.endorsement === request.endorsement;
}

async function admit(
  deps: BindingDeps,
  who: Holder,
  request: RecoveryRequest,
  context: RequestContext,
): Promise<void> {
  await assertDeviceKeys(deps.engine, request);
  await requireRecovery(deps, who);
  const before = await deps.database.read((query) => readEscrowed(deps, query, who.sub));
  const { statement } = before.current;
  await assertProof(deps, who, request, before);
  const offered: OfferedDevice = {
    ...{ sub: who.sub, label: request.label, keys: [request.device_key, request.device_sig] },
    ...{ endorsement: request.endorsement, transformKey: request.transform_key },
    signIn: signInStrength(who.signIn),
  };
  const transformKey = await checkedTransformKey(deps, offered, { keys: before.keys, statement });
  await deps.database.transaction(async (tx) => {
    assertSame(before, await readEscrowed(deps, tx, who.sub));
    // Two recoveries at once must not pass the limit together.
    await requireRecovery(deps, who, tx);
    const now = seconds(deps.clock);
    await admitDevice(tx, offered, { keyVersion: before.keys.key_version, transformKey, now });
    await deps.events.append(tx, {
      type: 'device.added',
      actor: context.actor,
      subject: { sub: who.sub, address: statement.address, device: who.deviceId },
      outcome: 'success',
      requestId: context.requestId,
      data: {
        label: request.label,
        method: statement.escrow === 'organization' ? 'organization' : 'passphrase',
      },
    });
  });
}

/**
 * By the person's `sig`, for this access token: a device that was removed still has the endorsement and the transform
 * key that it was once given, and must not come back with them.
 */
async function assertProof(
  { signer }: BindingDeps,
  who: Holder,
  request: RecoveryRequest,
  { current: { statement } }: Escrowed,
): Promise<void> {
  const transcript = recoveryTranscript(
    {
      iss: signer.iss,
      sub: who.sub,
      accessTokenHash: who.accessTokenHash,
      statementHash: statementHash(statement),
    },
    request,
  );
  if (!(await verifyBytes(statement.keys[1], transcript, request.sig_proof))) {
    throw new CountersignError('recovery_proof');
  }
}

async function result({ database, credentials }: EscrowsDeps, who: Holder): Promise<EnrolmentResult> {
  const keys = await database.read((query) => findPersonKeys(query, who.sub));
  const answer = keys === undefined ? undefined : await credentials.forAddress(keys.address);
  const deviceBinding = await credentials.deviceBinding(who.deviceId);
  if (answer?.status !== 'credential' || answer.sub !== who.sub || deviceBinding === null) {
    throw new CountersignError('conflict', 'The keys were revoked, or this device removed, meanwhile.');
  }
  return { credential: answer.credential, device_binding: deviceBinding };
}
