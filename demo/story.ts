import type { Stage } from './stage/stage.ts';
import type { Step, StepResult } from './step.ts';
import { addDevice } from './steps/add-device.ts';
import { approvePartners } from './steps/approve-partners.ts';
import { attackAddedKey } from './steps/attack-added-key.ts';
import { attackForeignDomain } from './steps/attack-foreign-domain.ts';
import { attackReplayedResponse } from './steps/attack-replayed-response.ts';
import { attackSubstitutedKey } from './steps/attack-substituted-key.ts';
import { attackTwoHistories } from './steps/attack-two-histories.ts';
import { changePolicy } from './steps/change-policy.ts';
import { closeAccount } from './steps/close-account.ts';
import { connectSingleSignOn } from './steps/connect-single-sign-on.ts';
import { enrolThroughOidc } from './steps/enrol-through-oidc.ts';
import { enrolThroughSaml } from './steps/enrol-through-saml.ts';
import { feedTheSiem } from './steps/feed-the-siem.ts';
import { keepTranscript } from './steps/keep-transcript.ts';
import { lookUpAcrossCompanies } from './steps/look-up-across-companies.ts';
import { meetAcrossCompanies } from './steps/meet-across-companies.ts';
import { proveDomains } from './steps/prove-domains.ts';
import { readEventLogs } from './steps/read-event-logs.ts';
import { startBridges } from './steps/start-bridges.ts';
import { watchEachOther } from './steps/watch-each-other.ts';

/** The story, in order. Each step builds on what those before it left on the stage. */
export const STORY: readonly Step[] = [
  startBridges,
  connectSingleSignOn,
  proveDomains,
  approvePartners,
  watchEachOther,
  feedTheSiem,
  enrolThroughOidc,
  enrolThroughSaml,
  lookUpAcrossCompanies,
  addDevice,
  meetAcrossCompanies,
  keepTranscript,
  changePolicy,
  closeAccount,
  attackSubstitutedKey,
  attackForeignDomain,
  attackReplayedResponse,
  attackTwoHistories,
  attackAddedKey,
  readEventLogs,
];

/** Who is told how the story goes. */
export interface Report {
  began(number: number, step: Step): void;
  ended(result: StepResult): void;
}

/** Runs the steps one after the other up to the first that fails, or until the person ends it. */
export async function tellStory(steps: readonly Step[], stage: Stage, report: Report): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const [index, step] of steps.entries()) {
    if (stage.signal.aborted) break;
    report.began(index + 1, step);
    const result = await runStep(index + 1, step, stage);
    results.push(result);
    if (stage.signal.aborted) break;
    report.ended(result);
    if (!result.ok) break;
  }
  return results;
}

async function runStep(number: number, step: Step, stage: Stage): Promise<StepResult> {
  const from = Date.now();
  const took = () => Date.now() - from;
  try {
    const findings = await step.run(stage);
    return { number, step, ok: true, ms: took(), findings };
  } catch (error) {
    return { number, step, ok: false, ms: took(), error };
  } finally {
    stage.ran.set(step.name, { from, to: Date.now() });
  }
}
