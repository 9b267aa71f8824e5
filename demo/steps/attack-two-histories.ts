import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { askWitness } from '../../bridge/tlog/witness-exchange.ts';
import { type Client, SplitViewError } from '../../client/index.ts';
import { type ReadLogFile, readBeginning } from '../../client/log-tiles.ts';
import { thumbprint } from '../../protocol/index.ts';
import { backUp, keepHead, refusedToStart, signOn } from '../attacks/restored-store.ts';
import { takeOver } from '../attacks/take-over.ts';
import { type Finding, finding, must } from '../finding.ts';
import { bootstrapAdministrator } from '../stage/administrator.ts';
import { audit } from '../stage/auditing.ts';
import { runOffline } from '../stage/command-line.ts';
import type { Company } from '../stage/company.ts';
import { demandingApp, firstContactApp } from '../stage/install-app.ts';
import { HAL } from '../stage/people.ts';
import { cosignedHead, type PublishedHead, publishedHead } from '../stage/published-head.ts';
import type { Stage } from '../stage/stage.ts';
import { whileStopped } from '../stage/start-company.ts';
import type { Step } from '../step.ts';
import { describeAnswer, mustBeVerified } from './look-up-across-companies.ts';

export const attackTwoHistories: Step = {
  name: 'attack-two-histories',
  title: 'Attack: Globex’s bridge goes on from a backup, and forks its log',
  story:
    'A bridge on a restored backup would sign a second history. It refuses to start, because of the head that is kept ' +
    'beside the store, and without that because of what the witness has seen. Whoever has the machine takes both ' +
    'away, and gives Hal another key in the copy. Now there are two logs, each correct in itself and signed by ' +
    'Globex. The witness cosigns only one, and side by side they are a proof that anybody can check.',
  async run(stage) {
    const globex = stage.globex.get();
    const ada = demandingApp(stage);
    const before = await cosignedHead(stage, globex);
    const restored = await backUp(stage, globex);
    const honest = await addAdministrator(stage, globex);
    await audit(stage.watchers.get().auditors.globex);
    const [hal] = await ada.lookUp([HAL.address], { maxAge: 0 });
    mustBeVerified(hal);

    return whileStopped(stage, globex, async () => {
      await keepHead(globex, restored, true);
      const byHeadFile = await refusedToStart(stage, globex, restored);
      await keepHead(globex, restored, false);
      const byWitness = await refusedToStart(stage, globex, restored);
      const fork = await signOn(stage, globex, restored);
      try {
        const stranger = await takeOver(stage, globex, { person: HAL, sub: hal.statement.sub });
        const forked = await publishedHead(stage, globex, ({ size }) => size >= honest.size);
        const refused = await shownToWitness(stage, forked, honest);
        const [offered] = await firstContactApp(stage).lookUp([HAL.address], { maxAge: 0 });
        must(
          offered?.status === 'rejected' && offered.code === 'level_too_low',
          `the key of the fork is ${describeAnswer(offered)}`,
        );
        return [
          finding('a restored backup', byHeadFile),
          finding('   without its head file', byWitness),
          finding('the honest log', `${honest.size} entries, cosigned by ${honest.by}`),
          finding(
            'the forked log',
            `${forked.size} entries, forked after ${before.size}, signed by the same key`,
          ),
          finding('shown to the witness', refused),
          finding('Hal’s key in the fork', thumbprint(stranger.verified.statement.keys[0])),
          finding('   to who never saw him', `${offered.code}: ${offered.error.detail}`),
          ...(await prove(stage, ada, globex)),
          finding('the auditor', await alarm(stage)),
        ];
      } finally {
        await fork.stop();
      }
    });
  },
};

/** Changes of trust, which are logged as keys are: a one-time link, and what came of it. Answers the log's head then. */
async function addAdministrator(stage: Stage, company: Company): Promise<PublishedHead & { by: string }> {
  const before = await cosignedHead(stage, company);
  const { url } = await company.bridge.services.administrators.createLink();
  const offered = await cosignedHead(stage, company, before.size);
  await bootstrapAdministrator(company.issuer, url, stage.fetch);
  return cosignedHead(stage, company, offered.size);
}

/** Asks Globex's witness to cosign the fork as the continuation of what it has cosigned; it must not. */
async function shownToWitness(stage: Stage, forked: PublishedHead, honest: PublishedHead): Promise<string> {
  const globex = stage.globex.get();
  const { url } = stage.watchers.get().witnessOf.globex;
  const oldSize = honest.size;
  const { proof } = await readBeginning(tilesOf(stage, globex), oldSize, forked.size);
  const outbound = { request: boundedRequest(stage.fetch) };
  const request = { oldSize, proof, checkpoint: forked.note };
  const said = await askWitness(outbound, url, request, stage.signal);
  must(said.kind === 'refused', `the witness answered ${said.kind}`);
  return 'refused: it does not continue what was cosigned; Acme’s SIEM is told';
}

/** The public files of a log. */
function tilesOf(stage: Stage, { issuer }: Company): ReadLogFile {
  return async (path) => {
    const answer = await stage.fetch(`${issuer}/log/${path}`);
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
  };
}

/** Ada's app holds the log against what it has seen of it, and keeps the evidence; a stranger checks that. */
async function prove(stage: Stage, ada: Client, globex: Company): Promise<Finding[]> {
  const split = await ada.checkLog(globex.issuer).catch((error: unknown) => error);
  must(split instanceof SplitViewError && split.evidence !== null, `Ada’s app found ${split}`);
  const file = join(stage.folder, 'logs', 'globex-split-view.json');
  await writeFile(file, JSON.stringify(split.evidence, null, 2));
  const command = ['log', 'verify-evidence', file, '--root', globex.rootThumbprint];
  const { status, out, said } = await runOffline(command);
  const verdict = out.split('\n').at(-1) ?? '';
  must(status === 0 && verdict.startsWith('PROVEN'), `the evidence is not taken: ${out} ${said}`);
  return [
    finding('Ada’s app', `${split.code}: ${split.detail}`),
    finding('   the evidence', 'both checkpoints, in logs/globex-split-view.json'),
    finding('   checked by anybody', `countersign log verify-evidence … says ${verdict}`),
  ];
}

async function alarm(stage: Stage): Promise<string> {
  const outcome = await stage.watchers.get().auditors.globex.run();
  must(outcome.outcome === 'alarm', 'the auditor saw nothing');
  const { code, meaning } = outcome.evidence.finding;
  return `alarm, and no cosignature: ${code}: ${meaning}`;
}
