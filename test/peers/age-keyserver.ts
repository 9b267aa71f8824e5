import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../demo/stage/free-port.ts';
import { assemble } from './assemble.ts';
import { startDaemon } from './daemon.ts';
import { makeStateDirectory, type StateDirectory } from './state-directory.ts';
import { unpackTorchwood } from './torchwood-package.ts';

/** A key server's own keys, which must be known before it starts: its witness is told of them. */
export interface KeyserverKeys {
  readonly origin: string;
  /** Of its log. */
  readonly vkey: string;
  readonly environment: Readonly<Record<'LOG_KEY' | 'VRF_KEY', string>>;
  readonly vrfKey: string;
}

export interface AgeKeyserver {
  /** Plain HTTP. */
  readonly url: string;
  /** Has the link made that is mailed to an address: what its form holds. */
  askLink(address: string): Promise<Readonly<Record<string, string>>>;
  /** Sets an address's public key, as its owner does by the link in a mail. Answers once it is logged. */
  setKey(address: string, publicKey: string): Promise<void>;
  /** The published checkpoint. */
  checkpoint(): string;
  /** What `age-keylookup` finds, which verifies the log's proof, its signature and the witness's cosignature. */
  lookUp(address: string): string;
  stop(): Promise<void>;
}

/** The programs of torchwood in a folder of their own, and new keys for the log of this origin. */
export function makeKeyserverKeys(
  origin: string,
): KeyserverKeys & { readonly state: StateDirectory; readonly programs: string } {
  const state = makeStateDirectory('age-keyserver');
  const programs = unpackTorchwood(state.path);
  const printed = execFileSync(join(programs, 'age-keyserver-keygen'), [origin], { encoding: 'utf8' });
  const value = (start: string) => {
    const line = printed.split('\n').find((each) => each.startsWith(start));
    if (line === undefined) throw new Error(`age-keyserver-keygen printed no '${start}'`);
    return line.slice(line.indexOf(': ') + 2).trim();
  };
  return {
    ...{ origin, state, programs },
    vkey: value('Public key'),
    vrfKey: value('Public VRF key'),
    environment: { LOG_KEY: value('Private key'), VRF_KEY: value('Private VRF key') },
  };
}

/** age-keyserver (Go, Tessera): a key server whose log publishes nothing that its witness has not cosigned. */
export function startAgeKeyserver(
  keys: ReturnType<typeof makeKeyserverKeys>,
  witness: { readonly vkey: string; readonly url: string },
): Promise<AgeKeyserver> {
  const { state, programs } = keys;
  return assemble(async (undo) => {
    undo(() => state.remove());
    const policy = `log ${keys.vkey}\nwitness ours ${witness.vkey} ${witness.url}\nquorum ours\n`;
    const policyFile = state.write('policy', policy);
    state.makeFolders('tlog');
    state.handOver();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const server = await startDaemon('age-keyserver', {
      state,
      command: [
        join(programs, 'age-keyserver'),
        ...['-db', join(state.path, 'keys.db'), '-logdir', join(state.path, 'tlog')],
        ...['-listen', `127.0.0.1:${port}`],
      ],
      env: { ...keys.environment, LOG_WITNESS_POLICY: policyFile },
      ready: async () => (await fetch(url)).ok,
    });
    undo(() => server.stop());

    async function askLink(address: string): Promise<Record<string, string>> {
      await post(`${url}/login`, { email: address, 'h-captcha-response': 'none' });
      // Without a mail service it prints the link that it would send.
      const links = server.output().match(/http:\/\/\S+\/manage#\S+/g);
      const link = new URL(links?.at(-1) ?? '');
      return Object.fromEntries(new URLSearchParams(link.hash.slice(1)));
    }

    return {
      ...{ url, askLink },
      async setKey(address, publicKey) {
        await post(`${url}/setkey`, { ...(await askLink(address)), pubkey: publicKey });
      },
      checkpoint: () => readFileSync(join(state.path, 'tlog', 'checkpoint'), 'utf8'),
      lookUp: (address) =>
        execFileSync(join(programs, 'age-keylookup'), [address], {
          encoding: 'utf8',
          env: {
            PATH: process.env.PATH ?? '',
            AGE_KEYSERVER_URL: url,
            AGE_KEYSERVER_POLICY: policyFile,
            AGE_KEYSERVER_VRFKEY: keys.vrfKey,
          },
        }).trim(),
    };
  });
}

async function post(url: string, form: Record<string, string>): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
}
