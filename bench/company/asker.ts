import { insertDevice } from '../../bridge/directory/devices.ts';
import { type Clock, seconds } from '../../bridge/lib/clock.ts';
import { newHandle, newId } from '../../bridge/lib/ids.ts';
import { insertGrantFacts, saveRecord } from '../../bridge/oauth/record-store.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { signDeviceEndorsement } from '../../protocol/device.ts';
import { exportSigningKey, generateSigningKey } from '../../protocol/ed25519.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { type Enrolled, SIGN_IN } from './people.ts';

/** Who looks up: an endorsed device, with a token that is bound to its key. */
export interface Asker {
  readonly deviceId: string;
  readonly accessToken: string;
  /** The device's key with its private half, for whoever makes its proofs. */
  readonly deviceKey: Awaited<ReturnType<typeof exportSigningKey>>;
}

const DAY_S = 86_400;

/** Gives `person` a device and a token, as a sign-in and an enrolment would. */
export async function insertAsker(
  { database, iss, clock }: { database: Database; iss: string; clock: Clock },
  { statement, sig }: Enrolled,
): Promise<Asker> {
  const now = seconds(clock);
  const { sub, key_version } = statement;
  const engine = await loadTransformEngine();
  const device = await generateSigningKey(true);
  const keys: [ReturnType<typeof preToJwk>, typeof device.publicKey] = [
    preToJwk(engine.generateKeyPair().publicKey),
    device.publicKey,
  ];
  const claims = { iss, sub, device_id: device.kid, keys, key_version, iat: now };
  const endorsement = await signDeviceEndorsement(sig, claims);
  const accessToken = newHandle();
  const grantId = newId();
  await database.transaction(async (tx) => {
    const transformKey = crypto.getRandomValues(new Uint8Array(800));
    await insertDevice(tx, {
      ...{ device_id: device.kid, sub, label: 'bench', keys, endorsement, key_version },
      ...{ transform_key: transformKey, added: now },
    });
    await insertGrantFacts(tx, {
      ...{ grant_id: grantId, sub, app_id: 'bench-app', connection_id: 'bench', created: now },
      sign_in: JSON.stringify(SIGN_IN),
    });
    await saveRecord(
      tx,
      'AccessToken',
      accessToken,
      { grantId, accountId: sub, clientId: 'bench-app', jkt: device.kid, scope: 'countersign' },
      now + DAY_S,
    );
  });
  return { deviceId: device.kid, accessToken, deviceKey: await exportSigningKey(device) };
}
