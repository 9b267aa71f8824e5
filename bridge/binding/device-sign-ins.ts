import type { IdentityAttributes } from '../../protocol/identity-attributes.ts';
import type { Transaction } from '../storage/database.ts';
import type { Holder } from './holder.ts';

export type SignInStrength = NonNullable<IdentityAttributes['sign_in']>;

/** How somebody signed in, in the form that others are told. */
export function signInStrength({ protocol, acr, amr, authTime }: Holder['signIn']): SignInStrength {
  return { protocol, acr, amr: [...amr], auth_time: authTime };
}

/** Notes the sign-in under which a person's newest device is added. */
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

/** Forgets it: part of erasing. */
export async function deleteDeviceSignIn(transaction: Transaction, sub: string): Promise<void> {
  await transaction.deleteFrom('device_sign_ins').where('sub', '=', sub).execute();
}
