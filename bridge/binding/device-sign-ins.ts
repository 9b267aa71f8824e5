import type { IdentityAttributes } from '../../protocol/identity-attributes.ts';
import type { Database, Transaction } from '../storage/database.ts';
import type { Holder } from './holder.ts';

export type SignInStrength = NonNullable<IdentityAttributes['sign_in']>;

/** How somebody signed in, in the form that others are told. */
export function signInStrength({ protocol, acr, amr, authTime }: Holder['signIn']): SignInStrength {
  return { protocol, acr, amr: [...amr], auth_time: authTime };
}

/** A sign-in as it was noted, in the form that a token's holder has it. */
export function notedSignIn(text: string): Holder['signIn'] {
  const { protocol, acr, amr, auth_time: authTime }: SignInStrength = JSON.parse(text);
  return { protocol, acr, amr, authTime };
}

/** Notes the sign-in that others are told of: the one under which a person's newest device is added, or a newer one. */
export async function noteDeviceSignIn(
  transaction: Transaction,
  sub: string,
  signIn: SignInStrength,
): Promise<void> {
  const row = { sub, sign_in: JSON.stringify(signIn) };
  await transaction
    .insertInto('device_sign_ins')
    .values(row)
    .onConflict((conflict) => conflict.column('sub').doUpdateSet({ sign_in: row.sign_in }))
    .execute();
}

/**
 * Notes the sign-in of a device that acts, if it is newer than the one that others are told of: who signs in anew, with
 * several factors perhaps, is seen to have done so. Where the identity provider does not say when, nothing is newer.
 */
export async function noteNewerSignIn(database: Database, { sub, signIn }: Holder): Promise<void> {
  const { authTime } = signIn;
  if (authTime === null) return;
  const row = await database.read((query) =>
    query.selectFrom('device_sign_ins').select('sign_in').where('sub', '=', sub).executeTakeFirst(),
  );
  if (row === undefined) return;
  const noted: SignInStrength = JSON.parse(row.sign_in);
  if ((noted.auth_time ?? 0) >= authTime) return;
  await database.transaction((tx) => noteDeviceSignIn(tx, sub, signInStrength(signIn)));
}

/** Forgets it: part of erasing. */
export async function deleteDeviceSignIn(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('device_sign_ins').where('sub', '=', sub).execute();
}
