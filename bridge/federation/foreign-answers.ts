import { type CountersignError, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import type { LookUpResult } from '../../protocol/look-up.ts';
import type { EventLog } from '../events/event-log.ts';
import type { AnswerCache } from './answer-cache.ts';
import { lookUpEventData } from './look-up-event.ts';
import type { AskPartner } from './partner-client.ts';
import { isMisbehaviour } from './partner-faults.ts';
import type { Partner } from './partner-store.ts';
import type { RefuseResult } from './refused-result.ts';

/**
 * What a partner says of addresses on its domains: from the cache within `maxAge` seconds, the rest in one request. A
 * fault of the partner becomes a refused result with its own code, and an event.
 */
export type FindForeign = (
  partner: Partner,
  addresses: readonly string[],
  maxAge: number,
) => Promise<LookUpResult[]>;

export function createForeignAnswers(deps: {
  events: EventLog;
  askPartner: AskPartner;
  answers: AnswerCache;
  refuse: RefuseResult;
}): FindForeign {
  const { events, refuse } = deps;

  return async (partner, addresses, maxAge) => {
    if (partner.status === 'suspended') {
      return addresses.map((address) => refuse(address, 'partner_suspended', partner.reason ?? undefined));
    }
    const results = new Map<string, LookUpResult>();
    for (const address of addresses) {
      const known = await deps.answers.get(partner, address, maxAge);
      if (known !== undefined) results.set(address, known);
    }
    const missing = addresses.filter((address) => !results.has(address));
    if (missing.length > 0) {
      for (const result of await askAndRemember(partner, missing, maxAge)) {
        results.set(result.address, result);
      }
    }
    return [...results.values()];
  };

  async function askAndRemember(
    partner: Partner,
    addresses: readonly string[],
    maxAge: number,
  ): Promise<LookUpResult[]> {
    const remember = await deps.answers.asking(partner, addresses);
    const answers = await deps.askPartner(partner, addresses, maxAge);
    const results: LookUpResult[] = [];
    const faults = new Map<ErrorCode, CountersignError>();
    for (const [address, { result, fault }] of answers) {
      if (result === null) {
        faults.set(fault.code, fault);
        results.push(refuse(address, fault.code, fault.detail));
      } else {
        await remember(result);
        results.push(result);
      }
    }
    await events.record({
      type: 'look_up.foreign',
      actor: { kind: 'system' },
      subject: { partner: partner.entity_id },
      outcome: faults.size === 0 ? 'success' : 'failure',
      data: lookUpEventData(results),
    });
    for (const fault of faults.values()) await recordFault(partner, fault);
    return results;
  }

  async function recordFault(partner: Partner, fault: CountersignError): Promise<void> {
    const detail =
      isMisbehaviour(fault.code) && isCountersignError(fault.cause) ? fault.cause.code : fault.detail;
    await events.record({
      type: 'partner.fault',
      actor: { kind: 'system' },
      subject: { partner: partner.entity_id },
      outcome: 'failure',
      code: fault.code,
      data: { operation: 'look-up', ...(detail === undefined ? {} : { detail: detail.slice(0, 200) }) },
    });
  }
}
