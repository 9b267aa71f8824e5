import { parseVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import type { Config } from '../config/index.ts';
import type { EventLog } from '../events/event-log.ts';
import { createFindPartnerLogKeys } from '../federation/partner-logs.ts';
import type { Partners } from '../federation/partners.ts';
import { createWitnessEvents } from '../keylog/witness-events.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outbound } from '../lib/outbound.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import { openWitnessKey, witnessName } from '../tlog/witness-key.ts';
import { createWitnessMemory } from '../tlog/witness-memory.ts';
import { createWitness, type Witness } from '../tlog/witness-server.ts';

interface WitnessNeeds {
  readonly database: Database;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly partners: Partners;
  readonly outbound: Outbound;
  readonly events: EventLog;
}

/** The witness that this bridge is of its partners' logs, or of others; none unless it is configured. */
export async function openWitness(
  needs: WitnessNeeds,
  { witness: settings }: Pick<Config, 'witness'>,
): Promise<Witness | undefined> {
  if (!settings.partners && settings.logs.length === 0) return undefined;
  const { signer } = needs;
  const told = createWitnessEvents(needs);
  const others = settings.logs.map((vkey) => parseVerifierKey(vkey));
  const findPartnerKeys = createFindPartnerLogKeys(needs);
  const key = await openWitnessKey({ ...needs, name: witnessName(signer.iss) });
  const isOther = (origin: string) => others.some(({ name }) => name === origin);
  return createWitness({
    ...{ ...needs, key },
    async findLogKeys(origin) {
      const known = others.filter(({ name }) => name === origin);
      const partner = settings.partners ? await findPartnerKeys(origin) : undefined;
      if (partner === undefined) return { keys: known };
      return {
        keys: [...known, ...partner.keys],
        refresh: async () => [...known, ...(await partner.refresh())],
      };
    },
    memory: createWitnessMemory({
      ...{ ...needs, key: key.verifier },
      // a bridge publishes below its origin; where others do is not known
      checkpointUrl: (origin) => (isOther(origin) ? undefined : `https://${origin}/checkpoint`),
      onForgotten: told.forgotten,
    }),
    onSplitView: told.splitView,
  });
}
