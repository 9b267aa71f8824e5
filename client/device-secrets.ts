import { generateSigningKey } from '../protocol/ed25519.ts';
import { CountersignError } from '../protocol/errors.ts';
import type { ClientContext } from './context.ts';
import type { DeviceSecrets, Tokens } from './key-store.ts';

/** The device's keys as stored, or null before the first sign-in. Throws `key_store_invalid` for another bridge's. */
export async function loadSecrets(context: ClientContext): Promise<DeviceSecrets | null> {
  const secrets = await context.keyStore.load();
  if (secrets !== null && secrets.issuer !== context.issuer) {
    throw new CountersignError('key_store_invalid', `these are the keys of a device of ${secrets.issuer}`);
  }
  return secrets;
}

/** Runs `task` with nobody else changing the key store meanwhile, where several clients can share it. */
export function exclusively<Result>(
  { keyStore }: ClientContext,
  task: () => Promise<Result>,
): Promise<Result> {
  return keyStore.exclusively === undefined ? task() : keyStore.exclusively(task);
}

/** The device's keys; made now if there are none. */
export function ensureSecrets(context: ClientContext): Promise<DeviceSecrets> {
  return exclusively(context, () => loadOrMakeSecrets(context));
}

async function loadOrMakeSecrets(context: ClientContext): Promise<DeviceSecrets> {
  const stored = await loadSecrets(context);
  if (stored !== null) return stored;
  const secrets: DeviceSecrets = {
    issuer: context.issuer,
    sig: await generateSigningKey(context.keyStore.extractable),
    pre: context.engine.generateKeyPair().privateKey,
    tokens: null,
  };
  await context.keyStore.save(secrets);
  return secrets;
}

export async function saveTokens(context: ClientContext, tokens: Tokens | null): Promise<void> {
  const secrets = await loadSecrets(context);
  if (secrets === null) throw new CountersignError('sign_in_required');
  await context.keyStore.save({ ...secrets, tokens });
}
