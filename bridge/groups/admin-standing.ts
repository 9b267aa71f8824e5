import { CountersignError } from '../../protocol/errors.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import type { BindingDeps } from '../binding/services.ts';
import type { Reader } from '../directory/handle.ts';
import { findPersonKeys } from '../directory/person-keys.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { activeStatementOf } from '../directory/statements.ts';

/** Somebody of ours who may become an admin: enrolled, and everybody can know it. */
export interface AdminStanding {
  readonly sub: string;
  readonly address: string;
  /** U′. */
  readonly key: EncryptionKey;
  readonly key_version: number;
}

/**
 * The persons of these ids in their order. Throws `person_unknown`, `person_closed`, `not_enrolled`, `unavailable`
 * (not published yet), `malformed_request` for somebody named twice.
 */
export async function readAdmins(
  { keyLog }: Pick<BindingDeps, 'keyLog'>,
  reader: Reader,
  subs: readonly string[],
): Promise<AdminStanding[]> {
  if (new Set(subs).size !== subs.length) {
    throw new CountersignError('malformed_request', 'An admin is named twice.');
  }
  const admins: AdminStanding[] = [];
  for (const sub of subs) {
    await requireActivePerson(reader, sub);
    const keys = await findPersonKeys(reader, sub);
    const active = await activeStatementOf(reader, sub);
    if (keys === undefined || active === undefined) {
      throw new CountersignError('not_enrolled', 'Admins need a key of their own.');
    }
    const { address, version } = active.statement;
    if (!(await keyLog.isPublished(reader, 'address', address, version))) {
      throw new CountersignError('unavailable', 'The key of an admin is not published yet.');
    }
    admins.push({ sub, address, key: keys.keys[0], key_version: keys.key_version });
  }
  return admins;
}

/** Whether the same persons still have the same keys and addresses. */
export function sameAdmins(before: readonly AdminStanding[], after: readonly AdminStanding[]): boolean {
  return (
    before.length === after.length &&
    before.every(({ sub, address, key, key_version }, index) => {
      const now = after[index];
      return (
        now?.sub === sub &&
        now.address === address &&
        now.key_version === key_version &&
        now.key.x === key.x &&
        now.key.y === key.y
      );
    })
  );
}
