import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import { engineReasons } from '../engine/engine-doubt.ts';
import type { VersionInForce } from './stored-policy.ts';

/** A version that could not be taken up. */
export interface RefusedVersion {
  readonly version: number;
  /** What was looked at. */
  readonly text: string;
  readonly reason: string;
  /** Milliseconds. */
  readonly tried: number;
}

const WAY_OUT = 'run `countersign policy restore-defaults` on the bridge’s machine';

/** Why nothing can be decided, or not by the newest version, and what to do; for the readiness page. */
export function policyReasons(
  current: VersionInForce | undefined,
  refused: RefusedVersion | undefined,
): readonly string[] {
  const broken = engineReasons();
  if (broken.length > 0) return broken;
  if (refused !== undefined) {
    const why = `Version ${refused.version} of the policy cannot be taken up (${firstLine(refused.reason)})`;
    return current === undefined
      ? [`${why}, so everything is refused: ${WAY_OUT}.`]
      : [`${why}; version ${current.version} stays in force. Activate another one, or ${WAY_OUT}.`];
  }
  return current === undefined ? [`No policy is in force, so everything is refused: ${WAY_OUT}.`] : [];
}

/** A policy that was written for another release may lack what this one asks about: that is then refused. */
export function policyWarnings(
  current: VersionInForce | undefined,
  shipped: Pick<PolicyContent, 'schema'>,
): readonly string[] {
  if (current === undefined || current.compiled.content.schema === shipped.schema) return [];
  return [
    'The policy in force was written for the schema of another release: compare it with the files that are shipped ' +
      '(`countersign policy diff`), and apply it with theirs (`countersign policy apply`).',
  ];
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
