import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { RecoveryHalf, RecoveryKey } from '../../protocol/escrow/organization-api.ts';
import {
  organizationKeyFingerprint,
  type RecoveryHalves,
  recoveryHalfTranscript,
} from '../../protocol/escrow/organization-key.ts';
import { encryptionKeySchema, thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import type { Reader } from '../directory/handle.ts';
import { succeeded } from '../events/succeeded.ts';
import { seconds } from '../lib/clock.ts';
import { RECOVERY_KEY_TOKEN_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { RecoveryHalvesTable } from '../storage/tables/binding.ts';
import { type Officer, type OfficersDeps, requireAnotherOfficer } from './officers.ts';
import type { BindingDeps } from './services.ts';

/** Whether the organization recovers keys of its people: of everybody, of who wants it, of nobody. */
export type OrganizationEscrowSetting = 'required' | 'offered' | 'off';

/** The organization's recovery key: two halves, made by two administrators each on a machine of their own. */
export interface RecoveryKeys {
  describe(): Promise<RecoveryKey>;
  /**
   * Registers a half. Throws `recovery_half` without a proof that its private half is known, or where both are
   * registered; `recovery_officer` for the second one by the same administrator, with whichever token.
   */
  register(officer: Officer, request: RecoveryHalf, context: RequestContext): Promise<RecoveryKey>;
}

export function createRecoveryKeys(deps: BindingDeps & OfficersDeps): RecoveryKeys {
  const { database, engine, signer, events } = deps;
  const describe = async () => described(signer.iss, await database.read(registeredHalves));
  return {
    describe,
    async register(officer, { half, proof }, context) {
      const key = preFromJwk(engine, half);
      const signature = decodeBase64url(proof, 64);
      if (!engine.schnorrVerify(key, recoveryHalfTranscript(signer.iss, half), signature)) {
        throw new CountersignError('recovery_half', 'The proof does not verify.');
      }
      await database.transaction(async (tx) => {
        const before = await registeredHalves(tx);
        const by = await requireAnotherOfficer(deps, tx, officer, before);
        const known = before.some((row) => row.half === thumbprint(half));
        if (known || before.length === 2) {
          throw new CountersignError('recovery_half', 'This half, or both halves, are registered already.');
        }
        await tx
          .insertInto('recovery_halves')
          .values({
            ...{ half: thumbprint(half), key: JSON.stringify(half), slot: before.length === 0 ? 1 : 2 },
            ...{ ...by, admin_name: officer.name, registered: seconds(deps.clock) },
          })
          .execute();
        const data = { half: thumbprint(half) };
        await events.append(tx, succeeded({ type: 'recovery.key_registered', data }, context));
      });
      return describe();
    },
  };
}

/** Both halves in their order, or undefined while one is missing. */
export async function readRecoveryHalves(reader: Reader): Promise<RecoveryHalves | undefined> {
  return pairOf(await registeredHalves(reader));
}

/** `recovery-key+jwt`, or undefined where nothing is escrowed to the organization. */
export async function recoveryKeyToken(
  { database, signer, clock }: Pick<BindingDeps, 'database' | 'signer' | 'clock'>,
  setting: OrganizationEscrowSetting,
): Promise<string | undefined> {
  if (setting === 'off') return undefined;
  const halves = await database.read(readRecoveryHalves);
  if (halves === undefined) return undefined;
  const iat = seconds(clock);
  return signer.sign('binding', 'recovery-key+jwt', {
    ...{ iss: signer.iss, iat, exp: iat + RECOVERY_KEY_TOKEN_LIFE_S },
    ...{ halves, required: setting === 'required' },
  });
}

async function registeredHalves(reader: Reader): Promise<RecoveryHalvesTable[]> {
  return reader.selectFrom('recovery_halves').selectAll().orderBy('slot').execute();
}

function pairOf(rows: readonly RecoveryHalvesTable[]): RecoveryHalves | undefined {
  const [first, second] = rows.map(({ key }) => encryptionKeySchema.parse(JSON.parse(key)));
  return first === undefined || second === undefined ? undefined : [first, second];
}

function described(iss: string, rows: readonly RecoveryHalvesTable[]): RecoveryKey {
  const halves = pairOf(rows);
  return {
    iss,
    halves: rows.map(({ key, admin_name, registered }) => ({
      half: encryptionKeySchema.parse(JSON.parse(key)),
      administrator: admin_name,
      registered,
    })),
    fingerprint: halves === undefined ? null : organizationKeyFingerprint(iss, halves),
  };
}
