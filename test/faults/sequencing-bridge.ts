/**
 * A process to kill, and to hinder: a bridge as far as its key log goes. It stages and publishes its work, which is
 * the same each time, so that the next one goes on where this one was ended, and says each step.
 *
 * usage: node --import tsx sequencing-bridge.ts <what openReachable takes> <key-encryption key> <head file>
 *   <prefix of names> <batches> [<what was said>: checks the whole log after the work]
 */
import { writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { keyLog as keyLogSettings } from '../../bridge/config/key-log-schema.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createClosing } from '../../bridge/lib/closing.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createOutbound } from '../../bridge/lib/outbound.ts';
import { createDnsResolver } from '../../bridge/lib/resolver.ts';
import { openKeyLog } from '../../bridge/main/open-key-log.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { openReachable } from '../fakes/open-reachable.ts';
import { overriding } from '../fakes/overriding.ts';
import { type LoggedName, loggedBytes, readSaid, type Said, workOf } from './sequencing-work.ts';
import { checkWholeLog } from './whole-log.ts';

const ISS = 'https://bridge.acme.example';
/** A client's patience: one fault, and what follows from it. */
const TRIES = 4;

const [reach = '', secret = '', headFile = '', prefix = '', batches = '', saidPath] = process.argv.slice(2);
/** With nothing in the way everything is published, if slowly. */
const longestWaitMs = saidPath === undefined ? 1_500 : 10_000;
const clock = systemClock;
const logger = createLogger({ level: 'silent' });
const closing = createClosing(logger);

try {
  await run();
} catch (error) {
  if (!isCountersignError(error)) throw error;
  say({ stopped: error.code });
  process.exitCode = 3;
} finally {
  await closing.close();
}
// others may still wait for what will not come
process.exit();

async function run(): Promise<void> {
  const database = await openReachable(reach, clock);
  closing.add('database', () => database.close());
  const keyEncryptionKey = decodeBase64url(secret, 32);
  const signer = telling(await openLocalSigner({ database, keyEncryptionKey, iss: ISS, clock }));
  const outbound = createOutbound({ resolver: createDnsResolver(), allowedNetworks: [] });
  closing.add('outbound', () => outbound.close());
  const cache = new MemoryCache({ clock });
  const events = createEventLog({ database, clock, logger, iss: ISS, cache });
  const needs = { database, signer, clock, logger, cache, outbound, events };
  const settings = keyLogSettings.parse({ epoch_milliseconds: 0, vrf_workers: 0, head_file: headFile });
  const storage = { driver: 'sqlite' as const, path: reach };
  const config = { key_log: { ...settings, quorum: 0, auditor_quorum: 0 }, storage };
  const log = await openKeyLog(needs, config, closing);

  for (const batch of workOf(prefix, Number(batches))) {
    await Promise.all(
      batch.map(async (named) => {
        await asked(() => stage(named), 'conflict');
        await asked(() => published(named));
        say({ acknowledged: named });
      }),
    );
  }
  say({ done: true });
  if (saidPath !== undefined) {
    const said = readSaid(saidPath);
    say({ whole: await checkWholeLog({ ...log, ...needs }, said, dirname(headFile)) });
  }

  function stage(named: LoggedName): Promise<void> {
    const version = { kind: 'address', ...named, value: loggedBytes(named) } as const;
    return database.transaction((tx) => log.keyLog.stage(tx, version));
  }

  /** Others' changes wake the log all the time. */
  async function published({ name, version }: LoggedName): Promise<void> {
    const others = setInterval(() => log.keyLog.wake(), 50);
    const tooLate = wait(longestWaitMs).then(() => Promise.reject(new CountersignError('unavailable')));
    try {
      await Promise.race([log.keyLog.published('address', name, version), tooLate]);
    } finally {
      clearInterval(others);
      tooLate.catch(() => {});
    }
  }
}

/** As a client does it: an error is no answer, and this code says that it was done before. */
async function asked(request: () => Promise<void>, doneBefore?: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await request();
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      if (error.code === doneBefore) return;
      say({ refused: error.code });
      if (tries === TRIES) throw error;
    }
    await wait(20);
  }
}

/** Says what it signs before it does. */
function telling(signer: Signer): Signer {
  return overriding(signer, {
    signNote(purpose, text) {
      say({ signing: new TextDecoder().decode(text) });
      return signer.signNote(purpose, text);
    },
  });
}

/** In one call, which a kill does not cut. */
function say(said: Said): void {
  writeSync(1, `${JSON.stringify(said)}\n`);
}
