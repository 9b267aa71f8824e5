import { type PolicyBundle, type PolicyContent, policyDocument } from '../../../protocol/policy-bundle.ts';
import type { EventLog } from '../../events/event-log.ts';
import type { StagingLog } from '../../keylog/key-log.ts';
import { type Clock, seconds } from '../../lib/clock.ts';
import { sha256Base64url } from '../../lib/hash.ts';
import type { Actor, RequestContext } from '../../lib/request-context.ts';
import type { Signer } from '../../signer/signer.ts';
import type { Transaction } from '../../storage/database.ts';
import type { PolicyVersionsTable } from '../../storage/tables/policy.ts';
import { requireValid } from '../content/validate-content.ts';
import { newestLoggedPolicy, POLICY_NAME } from './logged-policy.ts';
import { deletePolicyVersionsFrom, insertPolicyVersion } from './policy-store.ts';

export interface ActivationDeps {
  readonly signer: Pick<Signer, 'iss' | 'sign'>;
  readonly keyLog: StagingLog;
  readonly events: Pick<EventLog, 'append'>;
  readonly clock: Clock;
}

/** Where a content comes from. */
export interface Origin {
  readonly draft?: string | undefined;
  /** The version whose content is brought back. */
  readonly rolledBackTo?: number | undefined;
  /** Why it is brought back. */
  readonly note?: string | undefined;
}

export type ActivatedPolicy = Pick<PolicyVersionsTable, 'version' | 'hash'>;

/**
 * Brings a content into force as the next version, in the transaction of whatever decided that: validates it once more,
 * signs its bundle, commits the key log to it, and reports it. Bridges on the store take it up after the commit.
 *
 * Throws `policy_invalid`; `conflict` when another version came into force at the same time.
 */
export async function activatePolicy(
  { signer, keyLog, events, clock }: ActivationDeps,
  tx: Transaction,
  content: PolicyContent,
  { actor, requestId }: RequestContext,
  origin: Origin = {},
): Promise<ActivatedPolicy> {
  requireValid(content);
  const document = policyDocument(content);
  const hash = sha256Base64url(document);
  // The key log counts: what stands in the table beyond it was never activated, but written there by somebody.
  const logged = await newestLoggedPolicy(tx);
  const version = logged === undefined ? 0 : logged.version + 1;
  const previous = logged?.hash ?? null;
  await deletePolicyVersionsFrom(tx, version);
  const { schema, policies, data } = content;
  const now = seconds(clock);
  const claims: PolicyBundle = {
    ...{ iss: signer.iss, iat: now, version, hash, previous },
    content: { schema, policies: { ...policies }, data },
  };
  await insertPolicyVersion(tx, {
    ...{ version, hash, content: JSON.stringify(claims.content) },
    bundle: await signer.sign('statement', 'policy-bundle+jwt', claims),
    ...{ activated: now, activated_by: JSON.stringify(namedBy(actor)), draft: origin.draft ?? null },
  });
  await keyLog.stage(tx, { kind: 'policy', name: POLICY_NAME, version, value: document });
  await events.append(tx, {
    type: 'policy.activated',
    actor,
    subject: {},
    outcome: 'success',
    requestId,
    data: {
      ...{ version, hash },
      ...(previous === null ? {} : { previous }),
      ...(origin.draft === undefined ? {} : { draft: origin.draft }),
      ...(origin.rolledBackTo === undefined ? {} : { rolled_back_to: origin.rolledBackTo }),
      ...(origin.note === undefined ? {} : { note: origin.note }),
    },
  });
  return { version, hash };
}

function namedBy(actor: Actor): string | { readonly id: string; readonly name: string | null } {
  return actor.kind === 'administrator' ? { id: actor.id, name: actor.name ?? null } : actor.kind;
}
