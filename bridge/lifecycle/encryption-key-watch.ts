import type { EventLog } from '../events/event-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { findKeyAge, noteKeyAge, noteKeyAgeTold } from '../signer/key-age.ts';
import type { Database } from '../storage/database.ts';

/** Says when the key-encryption key is older than is configured. Only an operator can replace it, so nothing stops of it. */
export interface EncryptionKeyWatch {
  /** Notes since when the key seals, and tells once that it is too old; answers whether it told. For a background loop. */
  purge(): Promise<number>;
  /** For readiness; in words. */
  warnings(): Promise<readonly string[]>;
}

interface Deps {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  /** How old the key may be, seconds; 0: however old. */
  readonly lifeSeconds: number;
}

export function createEncryptionKeyWatch({ database, events, clock, lifeSeconds }: Deps): EncryptionKeyWatch {
  const isOld = (since: number) => lifeSeconds > 0 && since + lifeSeconds <= seconds(clock);
  return {
    purge: () =>
      database.transaction(async (tx) => {
        const age = await noteKeyAge(tx, seconds(clock));
        if (age === undefined || age.told !== null || !isOld(age.since)) return 0;
        const { key, since } = age;
        if (!(await noteKeyAgeTold(tx, key, seconds(clock)))) return 0;
        await events.append(tx, {
          ...{ type: 'keys.encryption_key_old', actor: { kind: 'system' }, outcome: 'success' },
          data: { key, since },
        });
        return 1;
      }),

    async warnings() {
      const age = await database.read(findKeyAge);
      if (age === undefined || !isOld(age.since)) return [];
      const since = new Date(age.since * 1000).toISOString();
      return [
        `The key-encryption key seals since ${since}: replace it (\`countersign keys rotate-encryption-key\`).`,
      ];
    },
  };
}
