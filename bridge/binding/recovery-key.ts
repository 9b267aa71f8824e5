import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { RecoveryHalf, RecoveryKey } from '../../protocol/escrow/organization-api.ts';
import {
  organizationKeyFingerprint,
  RECOVERY_KEY_SUCCESSIONS,
  type RecoveryHalves,
  recoveryHalfTranscript,
  type Succession,
} from '../../protocol/escrow/organization-key.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import type { Reader } from '../directory/handle.ts';
import { succeeded } from '../events/succeeded.ts';
import { seconds } from '../lib/clock.ts';
import { RECOVERY_KEY_TOKEN_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { isUniqueViolation, type Transaction } from '../storage/database.ts';
import { type Officer, type OfficersDeps, requireAnotherOfficer } from './officers.ts';
import {
  approvalsOf,
  everyRecoveryKey,
  findRecoveryKey,
  halfKey,
  halvesOf,
  insertHalf,
  insertRecoveryKey,
  isKnownHalf,
  pairOf,
  type StoredHalf,
  type StoredRecoveryKey,
  signaturesOf,
  succeedingKeys,
} from './recovery-key-store.ts';
import type { BindingDeps } from './services.ts';

/** Whether the organization recovers keys of its people: of everybody, of who wants it, of nobody. */
export type OrganizationEscrowSetting = 'required' | 'offered' | 'off';

/** The organization's recovery key: two halves, made by two administrators each on a machine of their own. */
export interface RecoveryKeys {
  describe(): Promise<RecoveryKey>;
  /**
   * Registers a half: of the first key, or of the one that is to take its place. Throws `recovery_half` without a proof that
   * its private half is known, or where both are registered; `recovery_officer` for the second one by the same
   * administrator, with whichever token.
   */
  register(officer: Officer, request: RecoveryHalf, context: RequestContext): Promise<RecoveryKey>;
}

export function createRecoveryKeys(deps: BindingDeps & OfficersDeps): RecoveryKeys {
  const { database, engine, signer } = deps;
  const describe = () => database.read((query) => describeRecoveryKey(signer.iss, query));
  return {
    describe,
    async register(officer, { half, proof }, context) {
      const key = preFromJwk(engine, half);
      const signature = decodeBase64url(proof, 64);
      if (!engine.schnorrVerify(key, recoveryHalfTranscript(signer.iss, half), signature)) {
        throw new CountersignError('recovery_half', 'The proof does not verify.');
      }
      try {
        await database.transaction((tx) => storeHalf(deps, tx, officer, half, context));
      } catch (error) {
        if (!isUniqueViolation(error, 'recovery_key_halves') && !isUniqueViolation(error, 'recovery_keys'))
          throw error;
        throw new CountersignError('recovery_half', 'Another half was registered meanwhile: look again.');
      }
      return describe();
    },
  };
}

async function storeHalf(
  deps: BindingDeps & OfficersDeps,
  tx: Transaction,
  officer: Officer,
  half: RecoveryHalf['half'],
  context: RequestContext,
): Promise<void> {
  const now = seconds(deps.clock);
  const { generation } =
    (await findRecoveryKey(tx, 'making')) ??
    (await findRecoveryKey(tx, 'current')) ??
    (await firstKey(tx, now));
  const before = await halvesOf(tx, generation);
  const by = await requireAnotherOfficer(deps, tx, officer, before);
  if (before.length === 2 || (await isKnownHalf(tx, thumbprint(half)))) {
    throw new CountersignError('recovery_half', 'This half, or both halves, are registered already.');
  }
  await insertHalf(tx, {
    ...{ half: thumbprint(half), generation, slot: before.length === 0 ? 1 : 2, key: JSON.stringify(half) },
    ...{ ...by, admin_name: officer.name, registered: now },
  });
  const data = { half: thumbprint(half) };
  await deps.events.append(tx, succeeded({ type: 'recovery.key_registered', data }, context));
}

async function firstKey(tx: Transaction, now: number): Promise<StoredRecoveryKey> {
  const first = { generation: 1, status: 'current', reason: null, begun: now, signatures: null } as const;
  await insertRecoveryKey(tx, first);
  return first;
}

/** Both halves of the current key in their order, or undefined while one is missing. */
export async function readRecoveryHalves(reader: Reader): Promise<RecoveryHalves | undefined> {
  const current = await findRecoveryKey(reader, 'current');
  return current === undefined ? undefined : pairOf(await halvesOf(reader, current.generation));
}

/** The fingerprint of the current key, or null while there is none. */
export async function readRecoveryFingerprint(iss: string, reader: Reader): Promise<string | null> {
  return (await readRecoveryFingerprints(iss, reader)).current;
}

/** Of the organization's recovery keys, by their fingerprints: the one that there is, and those before it. */
export interface RecoveryFingerprints {
  readonly current: string | null;
  readonly before: ReadonlySet<string>;
}

export async function readRecoveryFingerprints(iss: string, reader: Reader): Promise<RecoveryFingerprints> {
  const keys = (await everyRecoveryKey(reader)).map(({ isCurrent, halves }) => ({
    ...{ isCurrent, fingerprint: organizationKeyFingerprint(iss, halves) },
  }));
  const before = keys.filter(({ isCurrent }) => !isCurrent);
  return {
    current: keys.find(({ isCurrent }) => isCurrent)?.fingerprint ?? null,
    before: new Set(before.map(({ fingerprint }) => fingerprint)),
  };
}

/** `recovery-key+jwt`, or undefined where nothing is escrowed to the organization. */
export async function recoveryKeyToken(
  { database, signer, clock }: Pick<BindingDeps, 'database' | 'signer' | 'clock'>,
  setting: OrganizationEscrowSetting,
): Promise<string | undefined> {
  if (setting === 'off') return undefined;
  const { halves, before } = await database.read(async (query) => ({
    halves: await readRecoveryHalves(query),
    before: await successions(query),
  }));
  if (halves === undefined) return undefined;
  const iat = seconds(clock);
  return signer.sign('binding', 'recovery-key+jwt', {
    ...{ iss: signer.iss, iat, exp: iat + RECOVERY_KEY_TOKEN_LIFE_S },
    ...{ halves, required: setting === 'required' },
    ...(before.length === 0 ? {} : { before }),
  });
}

/** What leads back from the current key, by the word of the halves before: as far as both of each signed. */
async function successions(reader: Reader): Promise<Succession[]> {
  const keys = await succeedingKeys(reader, RECOVERY_KEY_SUCCESSIONS + 1);
  const found: Succession[] = [];
  for (const [index, key] of keys.entries()) {
    const signatures = signaturesOf(key);
    const previous = keys[index + 1];
    if (signatures === null || previous === undefined) break;
    const halves = pairOf(await halvesOf(reader, previous.generation));
    if (halves === undefined) break;
    found.push({ halves, signatures });
  }
  return found;
}

/** What administrators see. */
export async function describeRecoveryKey(iss: string, reader: Reader): Promise<RecoveryKey> {
  const current = await findRecoveryKey(reader, 'current');
  const making = await findRecoveryKey(reader, 'making');
  const rows = current === undefined ? [] : await halvesOf(reader, current.generation);
  return {
    iss,
    ...shown(iss, rows),
    replacement:
      making === undefined
        ? null
        : {
            ...{ reason: making.reason ?? '', begun: making.begun },
            ...shown(iss, await halvesOf(reader, making.generation)),
            approvals: (await approvalsOf(reader, making.generation)).map(
              ({ admin_name, half, withdrawn }) => ({
                ...{ administrator: admin_name, half, counts: withdrawn === null },
              }),
            ),
          },
  };
}

function shown(iss: string, rows: readonly StoredHalf[]): Pick<RecoveryKey, 'halves' | 'fingerprint'> {
  const halves = pairOf(rows);
  return {
    halves: rows.map((row) => ({
      ...{ half: halfKey(row), administrator: row.admin_name, registered: row.registered },
    })),
    fingerprint: halves === undefined ? null : organizationKeyFingerprint(iss, halves),
  };
}
