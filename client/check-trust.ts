import { CountersignError } from '../protocol/errors.ts';
import type { LogLevel } from '../protocol/keytrans/log-trust.ts';
import { type LoggedTrust, publishedTrustSchema, verifyPublishedTrust } from '../protocol/published-trust.ts';
import { boundedBody } from './bounded-body.ts';
import { parseAnswer, problemError } from './bridge-api.ts';
import { pinnedRootOf, rememberShown } from './check-log.ts';
import type { ClientContext } from './context.ts';
import { fetchFromBridge } from './dpop-fetch.ts';
import { checkpointOf } from './level-shortfall.ts';
import type { ClientParts } from './own-account.ts';
import type { TrustCheck } from './own-key-answers.ts';
import type { Pins } from './pin-store.ts';
import { fetchBundle } from './policy-bundle.ts';

/** Keys, some hundred domains and two log proofs. What a bridge sends beyond is not read. */
const TRUST_BYTES = 262_144;

/**
 * Reads at an issuer itself what its key log has of it, under the pinned root: whoever was given another root, or other
 * domains, than everybody else learns of it here. The own bridge, or a partner whose record is pinned.
 *
 * Throws `issuer_unknown`, `root_mismatch` (so it does where the own bridge made a root up), `version_rollback` for an older record
 * of the own company than was pinned, `log_proof` and what else does not verify or cannot be read.
 */
export async function checkTrust(
  { context, ownKeys }: ClientParts,
  issuer: string = context.issuer,
): Promise<TrustCheck> {
  if (issuer === context.issuer) await ownKeys.current();
  const pins = await context.pins.read();
  const { rootThumbprint, leastSerial } = pinnedRootOf(context, pins, issuer);
  const shown = await fetchTrust(context, issuer);
  const bundle = await fetchBundle(context, `${issuer}/v1/policy/bundles/${shown.policy.hash}`, 'default');
  const expected = { entityId: issuer, rootThumbprint, leastSerial };
  const logged = await verifyPublishedTrust(shown, bundle, {
    ...{ ...expected, trust: context.policy.log, now: context.now() },
  });
  const keys = { token: shown.online_keys, onlineKeys: logged.onlineKeys };
  for (const [staple, { log }] of [
    [shown.record.log_proof, logged.record],
    [shown.policy.log_proof, logged.policy],
  ] as const) {
    await rememberShown(context, issuer, keys, checkpointOf(staple, log));
  }
  return answerOn(context, pins, issuer, logged);
}

async function fetchTrust(context: ClientContext, issuer: string) {
  const response = await fetchFromBridge(context, `${issuer}/.well-known/countersign/logged-trust`);
  if (!response.ok) throw problemError(response.status, await response.text().catch(() => ''));
  const text = new TextDecoder().decode(await boundedBody(response, TRUST_BYTES));
  return parseAnswer(text, publishedTrustSchema);
}

function answerOn(
  context: ClientContext,
  pins: Pins,
  issuer: string,
  { record, policy }: LoggedTrust,
): TrustCheck {
  const pinned = pins.issuers[issuer];
  if (issuer === context.issuer && record.version < (pinned?.version ?? 0)) {
    throw new CountersignError('version_rollback', `record ${record.version} is below ${pinned?.version}`);
  }
  const logs = [record.log, policy.log];
  const isLevel = (level: LogLevel) => logs.some((log) => log.level === level);
  const { version, hash } = policy.bundle;
  return {
    issuer,
    level: isLevel('logged') ? 'logged' : isLevel('witnessed') ? 'witnessed' : 'audited',
    age: Math.max(0, context.now() - Math.min(...logs.map(({ asOf }) => asOf))),
    domains: record.domains,
    policy: { version, hash },
    strangeDomains: (pinned?.domains ?? []).filter((domain) => !record.domains.includes(domain)),
  };
}
