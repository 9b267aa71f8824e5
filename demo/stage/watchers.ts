import type { Auditor } from '../../bridge/keylog/audit/auditor.ts';
import type { Level, LogTrust, VerificationPolicy } from '../../protocol/index.ts';
import type { CompanyPlan } from './company.ts';

type CompanyKey = CompanyPlan['key'];

/** A witness as its bridge publishes it. */
export interface PublishedWitness {
  readonly vkey: string;
  readonly url: string;
}

/** Who keeps the two companies' key logs honest: each other's bridge, and an auditor that belongs to neither. */
export interface Watchers {
  /** The witness of this company's log, which is the other one's bridge. */
  readonly witnessOf: Readonly<Record<CompanyKey, PublishedWitness>>;
  /** The auditor's verifier key. */
  readonly auditorKey: string;
  readonly auditors: Readonly<Record<CompanyKey, Auditor>>;
}

const DAY = 86_400;

/** A pinned policy about the people of this company: a witness and an auditor of its log, neither of them its own. */
export function policyFor(
  { witnessOf, auditorKey }: Watchers,
  company: CompanyKey,
  level: Level,
): VerificationPolicy & { readonly log: LogTrust } {
  return {
    ...{ level, maxAge: DAY },
    log: {
      ...{ witnesses: [witnessOf[company].vkey], witnessQuorum: 1 },
      ...{ auditors: [auditorKey], auditorQuorum: 1 },
    },
  };
}
