import { parseAddress } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { GroupKey } from '../../protocol/groups/group-key.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import type { Answer, VerifiedAnswer } from '../answers.ts';
import type { Device } from '../context.ts';
import { lookUp } from '../look-up.ts';
import { type ClientParts, currentDevice, describeAccount } from '../own-account.ts';
import type { JudgedAdmin } from './group-vault.ts';

/** Who acts: this device, and the verified statement of its person. */
export interface Actor {
  readonly device: Device;
  readonly statement: KeyStatement;
}

/** Throws `not_enrolled`, `device_not_endorsed`, and what the own credential throws. */
export async function actingDevice(parts: ClientParts): Promise<Actor> {
  const { verified, deviceBinding } = await describeAccount(parts);
  if (verified === null) throw new CountersignError('not_enrolled');
  if (deviceBinding === null) throw new CountersignError('device_not_endorsed');
  return { device: await currentDevice(parts.context), statement: verified.statement };
}

/** Throws `group_not_admin`: nobody else would take what this device signed. */
export function assertActsFor({ statement }: Actor, group: Pick<GroupKey, 'iss' | 'admins'>): void {
  const { iss, sub, address } = statement;
  const listed = group.admins.some((admin) => admin.sub === sub && admin.address === address);
  if (iss !== group.iss || !listed) throw new CountersignError('group_not_admin');
}

/** The actor and these others, as the admins of a group, each key verified by a look-up. */
export async function judgeAdmins(
  parts: ClientParts,
  actor: Actor,
  addresses: readonly string[],
): Promise<JudgedAdmin[]> {
  const own = actor.statement.address;
  const others = [...new Set(addresses.map((text) => parseAddress(text).address))].filter(
    (address) => address !== own,
  );
  const answers = others.length === 0 ? [] : await lookUp(parts, others);
  return [actor.statement, ...answers.map(statementOf)].map((statement) => {
    if (statement.iss !== actor.statement.iss) {
      throw new CountersignError('group_not_admin', 'admins are people of the group’s own company');
    }
    const { sub, address, key_version: keyVersion } = statement;
    return { sub, address, key: statement.keys[0], keyVersion };
  });
}

/** The statement of a verified answer. Throws what the answer says instead. */
export function statementOf(answer: Answer): KeyStatement {
  if (answer.status === 'verified') return answer.statement;
  throw refusalOf(answer);
}

/** Why an answer is not one to build on. */
export function refusalOf(answer: Exclude<Answer, VerifiedAnswer>): CountersignError {
  const { address, status } = answer;
  switch (status) {
    case 'rejected':
      return answer.error;
    case 'refused':
      return new CountersignError(answer.code, answer.detail ?? undefined);
    case 'changed_key':
      return new CountersignError('pin_changed', `the key of ${address} is not the pinned one`);
    case 'revoked':
    case 'revoked_pending':
      return new CountersignError('statement_revoked', `the key of ${address} is revoked`);
    case 'not_found':
      return new CountersignError('person_unknown', `nobody is known at ${address}`);
  }
}
