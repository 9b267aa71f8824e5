import { parseVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import type { Config } from '../config/index.ts';
import type { EventLog } from '../events/event-log.ts';
import { createFindPartnerLogKeys } from '../federation/partner-logs.ts';
import type { Partners } from '../federation/partners.ts';
import { createWitnessEvents } from '../keylog/witness-events.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import { openWitnessKey, witnessName } from '../tlog/witness-key.ts';
import { createWitness, type Witness } from '../tlog/witness-server.ts';

interface WitnessNeeds {
  readonly database: Database;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly partners: Partners;
  readonly events: EventLog;
}

/** The witness that this bridge is of its partners' logs, or of others; none unless it is configured. */
export async function openWitness(
  needs: WitnessNeeds,
  { witness: settings }: Pick<Config, 'witness'>,
): Promise<Witness | undefined> {
  if (!settings.partners && settings.logs.length === 0) return undefined;
  const { signer } = needs;
  const others = settings.logs.map((vkey) => parseVerifierKey(vkey));
  const findPartnerKeys = createFindPartnerLogKeys(needs);
  return createWitness({
    ...needs,
    key: await openWitnessKey({ ...needs, name: witnessName(signer.iss) }),
    findLogKeys: async (origin) => [
      ...others.filter(({ name }) => name === origin),
      ...(settings.partners ? await findPartnerKeys(origin) : []),
    ],
    onSplitView: createWitnessEvents(needs).splitView,
  });
}
