import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../demo/stage/free-port.ts';
import { parseVerifierKey, type VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { assemble } from './assemble.ts';
import { startDaemon } from './daemon.ts';
import { makeStateDirectory } from './state-directory.ts';
import { unpackTorchwood } from './torchwood-package.ts';

export interface Litewitness {
  readonly key: VerifierKey;
  /** Plain HTTP on 127.0.0.1. */
  readonly port: number;
  stop(): Promise<void>;
}

/** litewitness (Go): a witness of the C2SP protocol over SQLite, with its key in an SSH agent. */
export function startLitewitness(
  name: string,
  log: { readonly origin: string; readonly vkey: string },
): Promise<Litewitness> {
  return assemble(async (undo) => {
    const state = makeStateDirectory('litewitness');
    undo(() => state.remove());
    const programs = unpackTorchwood(state.path);
    const key = join(state.path, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key]);
    const fingerprint = execFileSync('ssh-keygen', ['-lf', key], { encoding: 'utf8' }).split(' ')[1] ?? '';
    const database = join(state.path, 'witness.db');
    const witnessctl = (...args: string[]) =>
      execFileSync(join(programs, 'witnessctl'), args, { stdio: 'pipe' });
    witnessctl('add-log', '-db', database, '-origin', log.origin);
    witnessctl('add-key', '-db', database, '-origin', log.origin, '-key', log.vkey);
    state.handOver();

    const socket = join(state.path, 'agent');
    const agent = await startDaemon('ssh-agent', {
      state,
      command: ['ssh-agent', '-D', '-a', socket],
      ready: async () => existsSync(socket),
    });
    undo(() => agent.stop());
    const asOwner = ['setpriv', ...state.asOwner, 'ssh-add', '-q', key] as const;
    execFileSync(asOwner[0], asOwner.slice(1), { env: { ...process.env, SSH_AUTH_SOCK: socket } });

    const port = await freePort();
    const witness = await startDaemon('litewitness', {
      state,
      command: [
        join(programs, 'litewitness'),
        ...['-db', database, '-name', name, '-key', fingerprint],
        ...['-ssh-agent', socket, '-listen', `127.0.0.1:${port}`],
      ],
      ready: async () => (await fetch(`http://127.0.0.1:${port}/`)).ok,
    });
    undo(() => witness.stop());
    return { key: publishedKey(name, witness.output()), port };
  });
}

/** The verifier key that it says at the start. */
function publishedKey(name: string, output: string): VerifierKey {
  const vkey = /[^\s"'=+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}/.exec(output)?.[0];
  if (vkey === undefined || !vkey.startsWith(`${name}+`)) throw new Error(`no key of ${name} in:\n${output}`);
  return parseVerifierKey(vkey);
}
