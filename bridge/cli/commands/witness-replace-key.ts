import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { SYSTEM } from '../../lib/request-context.ts';
import { KeyRing } from '../../signer/key-ring.ts';
import type { Signer } from '../../signer/signer.ts';
import { readState } from '../../signer/stored-keys.ts';
import type { Database } from '../../storage/database.ts';
import {
  describeForgotten,
  type ForgottenCosignature,
  findForgotten,
} from '../../tlog/forgotten-cosignature.ts';
import { findWitnessKey, replaceWitnessKey, vkeyOf, witnessName } from '../../tlog/witness-key.ts';
import { confirm } from '../confirm.ts';
import { inLocalStore, type LocalOptions, readLocalConfig, withLocalOptions } from '../local-store.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface Options extends LocalOptions {
  readonly evidence?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/**
 * The way out of a witness that has forgotten what it cosigned, where its newest store is lost for good: its word was its
 * key's, and another key has said nothing yet. To believe the log about what was forgotten is none: it may show any of it.
 */
export function addReplaceKeyCommand(witness: Command, terminal: Terminal): void {
  withLocalOptions(witness.command('replace-key'))
    .description(
      'give the witness that this bridge is another key, where the store that knew what it cosigned is lost',
    )
    .option('--evidence <file>', 'where what was forgotten is kept', 'witness-forgot.json')
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((options: Options) => replaceKey(terminal, options));
}

async function replaceKey(terminal: Terminal, options: Options): Promise<void> {
  const config = readLocalConfig(terminal, options);
  const replaced = await inLocalStore(config, async ({ database, events, clock, ...given }) => {
    const name = witnessName(config.issuer);
    const stored = await database.read((query) => findWitnessKey(query, name));
    if (stored === undefined) throw new UsageError('This bridge is no witness: there is no key to replace.');
    const forgotten = await database.read((query) => findForgotten(query, vkeyOf(stored)));
    terminal.say(adviceOn(forgotten));
    await confirm(terminal, options.yes, `The key ${vkeyOf(stored)} will never sign again.`);
    if (forgotten !== undefined) await keepEvidence(options.evidence ?? 'witness-forgot.json', forgotten);
    const signer = await localSealing(database, given);
    return database.transaction(async (tx) => {
      const keys = await replaceWitnessKey({ signer, clock, name }, tx);
      const data = { previous: keys.before, key: keys.now };
      await events.append(tx, {
        ...{ type: 'log.witness_key_replaced', outcome: 'success', data },
        actor: SYSTEM.actor,
      });
      return { ...keys, evidence: forgotten === undefined ? null : options.evidence };
    });
  });
  show(terminal, options, replaced, ({ now, evidence }) =>
    [
      `The witness has the key ${now}`,
      'Restart every bridge that runs on this store. Whoever has the old key in key_log.witnesses, or pins it, needs this one:',
      'tell them that the old one may have signed what nobody knows any more.',
      ...(evidence === null ? [] : [`What was forgotten is in ${evidence}.`]),
    ].join('\n'),
  );
}

function adviceOn(forgotten: ForgottenCosignature | undefined): string {
  if (forgotten === undefined) {
    return 'Nothing is known to be forgotten: this is for a store that was restored, whose newest state is lost for good.';
  }
  return (
    `${describeForgotten(forgotten)}\nFirst look for the newest store: the disk that was replaced, the standby, a later ` +
    'backup. With it nothing has to be replaced.'
  );
}

/** Our own cosignature: it must be on the disk before the key that made it is gone. */
async function keepEvidence(file: string, forgotten: ForgottenCosignature): Promise<void> {
  const text = `${JSON.stringify(forgotten, null, 2)}\n`;
  await writeFile(file, text, { mode: 0o600, flag: 'wx', flush: true }).catch((cause: unknown) => {
    throw new UsageError(`${file} cannot be written, or is there already; name another with --evidence.`, {
      cause,
    });
  });
}

/** Seals and opens with the key-encryption keys that the configuration names. */
export async function localSealing(
  database: Database,
  given: ConstructorParameters<typeof KeyRing>[0],
): Promise<Pick<Signer, 'seal' | 'open'>> {
  const ring = new KeyRing(given);
  const { sealing } = await database.read((query) => readState(query, ring));
  return {
    seal: async (context, plaintext) => sealing.seal(context, plaintext),
    open: async (context, sealed) => ring.open(context, sealed),
  };
}
