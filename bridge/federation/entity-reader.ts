import { type VerifiedEntity, verifyEntityConfiguration } from '../../protocol/entity-configuration.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { ENTITY_CONFIGURATION_BYTES, PARTNER_TIMEOUT_MS } from '../lib/limits.ts';
import type { Outbound } from '../lib/outbound.ts';
import { ENTITY_CONFIGURATION_PATH } from './entity-configuration.ts';

/** The root under which a bridge must prove itself, and the lowest serial that is taken. */
export interface ExpectedEntity {
  readonly entityId: string;
  readonly rootThumbprint: string;
  readonly leastSerial?: number;
}

/** Fetches a bridge's entity configuration and verifies it under the expected root. */
export type ReadEntity = (expected: ExpectedEntity) => Promise<VerifiedEntity>;

export function createEntityReader(deps: { outbound: Outbound; clock: Clock }): ReadEntity {
  return async (expected) => {
    const token = await deps.outbound.text(expected.entityId + ENTITY_CONFIGURATION_PATH, {
      maxBytes: ENTITY_CONFIGURATION_BYTES,
      timeoutMs: PARTNER_TIMEOUT_MS,
      accept: 'application/entity-statement+jwt',
    });
    return verifyEntityConfiguration(token.trim(), expected, seconds(deps.clock));
  };
}
