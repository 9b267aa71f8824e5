import type { Command } from 'commander';
import { SYSTEM } from '../../lib/request-context.ts';
import { readDefaultContent } from '../../policy/content/default-content.ts';
import { type ActivatedPolicy, activatePolicy } from '../../policy/versions/policy-activation.ts';
import { openLocalSigner } from '../../signer/local-signer.ts';
import { confirm } from '../confirm.ts';
import {
  inLocalStore,
  type LocalOptions,
  type LocalStore,
  readLocalConfig,
  withLocalOptions,
} from '../local-store.ts';
import { show } from '../output.ts';
import type { Terminal } from '../terminal.ts';

type Options = LocalOptions & { readonly yes?: boolean; readonly json?: boolean };

const QUESTION =
  'The policy that this release ships comes into force, in place of your own: what that refuses beyond it is allowed ' +
  'again until you apply your own anew. It is logged and reported.';

/** The way out where nobody may change the policy any more, or none can be taken up: whoever has the machine has it. */
export function addRestoreCommand(policy: Command, terminal: Terminal): void {
  withLocalOptions(policy.command('restore-defaults'))
    .description(
      'on the bridge’s machine: bring the policy that is shipped into force, whoever is locked out',
    )
    .option('--yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .action((options: Options) => restore(terminal, options));
}

async function restore(terminal: Terminal, options: Options): Promise<void> {
  const config = readLocalConfig(terminal, options);
  await confirm(terminal, options.yes, QUESTION);
  const restored = await inLocalStore(config, activateDefaults);
  show(
    terminal,
    options,
    restored,
    ({ version, hash }) =>
      `The shipped policy is in force as version ${version} (${hash}). A bridge that runs has it within a second.`,
  );
}

async function activateDefaults(store: LocalStore): Promise<ActivatedPolicy> {
  const signer = await openLocalSigner({ ...store, iss: store.config.issuer });
  const note = 'countersign policy restore-defaults';
  return store.database.transaction((tx) =>
    activatePolicy({ ...store, signer }, tx, readDefaultContent(), SYSTEM, { note }),
  );
}
