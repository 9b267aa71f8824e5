import { vi } from 'vitest';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { systemClock as clock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { activatePolicy } from '../../bridge/policy/versions/policy-activation.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import type { Company } from '../../demo/stage/company.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import { readConfig } from '../../demo/stage/start-company.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { policyBundleSchema } from '../../protocol/policy-bundle.ts';
import { SOON } from '../fakes/soon.ts';

/**
 * Brings the shipped policy with another recipients.cedar into force at a running bridge, as another process on its
 * store would; done when the bridge decides by it.
 */
export async function changeRecipients(stage: Stage, company: Company, text: string): Promise<void> {
  const config = readConfig(company.configPath);
  const database = await openDatabase(config.storage, clock);
  try {
    const keyEncryptionKey = new Uint8Array(
      Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url'),
    );
    const iss = config.issuer;
    const signer = await openLocalSigner({ database, keyEncryptionKey, iss, clock });
    const events = createEventLog({ database, clock, logger: createLogger({ level: 'silent' }), iss });
    const deps = { signer, keyLog: createStagingLog(), events, clock };
    const { schema, policies, data } = readDefaultContent();
    const content = { schema, policies: { ...policies, 'recipients.cedar': text }, data };
    const { hash } = await database.transaction((tx) => activatePolicy(deps, tx, content, SYSTEM));
    await vi.waitUntil(async () => (await policyInForce(stage, company)) === hash, SOON);
  } finally {
    await database.close();
  }
}

async function policyInForce({ fetch: fetchNamed }: Stage, { issuer }: Company): Promise<string> {
  const response = await fetchNamed(`${issuer}/.well-known/countersign/policy`);
  return decodeClaims(await response.text(), 'policy-bundle+jwt', policyBundleSchema).hash;
}
