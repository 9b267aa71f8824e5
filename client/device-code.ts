import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { apiResource, type createAuthorizationServer } from './authorization-server.ts';
import type { DeviceCodeShown } from './client.ts';
import type { ClientContext } from './context.ts';
import { ensureSecrets, saveTokens } from './device-secrets.ts';
import type { Tokens } from './key-store.ts';
import { pause } from './waiting.ts';

export interface DeviceCodeOptions {
  readonly onCode: (code: DeviceCodeShown) => unknown;
  readonly signal?: AbortSignal;
}

/** RFC 8628 §3.5: how much longer the pauses become where the bridge finds them too short. */
const SLOWER_S = 5;

/** The device grant: shows a code, and asks whether somebody took it until they did, refused it, or it is over. */
export async function signInWithDeviceCode(
  context: ClientContext,
  server: ReturnType<typeof createAuthorizationServer>,
  scope: string,
  { onCode, signal }: DeviceCodeOptions,
): Promise<void> {
  const { sig } = await ensureSecrets(context);
  const code = await server.deviceCode({ scope, resource: apiResource(context) });
  const expires = context.now() + code.lifeSeconds;
  const { userCode, verificationUri, verificationUriComplete } = code;
  await onCode({ userCode, verificationUri, verificationUriComplete, expires });
  let pauseS = code.intervalSeconds;
  while (context.now() < expires) {
    await pause(pauseS * 1000, signal);
    const answer = await ask(() => server.deviceTokens(sig, code.deviceCode));
    if (answer === 'slow_down') pauseS += SLOWER_S;
    else if (answer !== 'pending') return saveTokens(context, answer);
  }
  throw new CountersignError('sign_in_refused', 'nobody took the code in time');
}

/** A bridge that cannot be reached for a moment has not refused. */
async function ask(poll: () => Promise<Tokens | 'pending' | 'slow_down'>) {
  try {
    return await poll();
  } catch (error) {
    if (isCountersignError(error, 'bridge_unreachable')) return 'slow_down';
    throw error;
  }
}
