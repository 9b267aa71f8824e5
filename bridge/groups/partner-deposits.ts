import { CountersignError } from '../../protocol/errors.ts';
import { sealedKeyDepositSchema } from '../../protocol/groups/federation.ts';
import type { Party } from '../../protocol/groups/party.ts';
import {
  type SignerEvidence,
  type VerifiedSigner,
  verifySignerEvidence,
} from '../../protocol/groups/signer-evidence.ts';
import { type Asked, requestBy, requirePermission } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { askingPartner } from '../federation/asking-partner.ts';
import { findPartner, type Partner, trustedIssuer } from '../federation/partner-store.ts';
import { seconds } from '../lib/clock.ts';
import { assertDeposit, checkDeposit, sealedEvent, storeDeposit } from './deposit-checks.ts';
import { groupResource } from './group-resource.ts';
import { findGroup } from './group-store.ts';
import type { OpeningDeps, SealedKeyDeposits } from './opening-services.ts';
import { mayTakePart } from './taking-part.ts';

/** A key that somebody of a partner sealed to a group kept here, or to a person of ours. */
export function createPartnerDeposits(deps: OpeningDeps): SealedKeyDeposits['answerPartner'] {
  const { database, signer, events, requests, clock } = deps;

  /** Under the partner's pinned record, without the log: our own people's devices decide what they demand of that. */
  async function verifySealer(evidence: SignerEvidence, partner: Partner): Promise<VerifiedSigner> {
    const { log_proof: _proof, ...credential } = evidence.credential;
    return verifySignerEvidence(
      { ...evidence, credential },
      {
        issuer: trustedIssuer(partner),
        policy: { level: 'signed', maxAge: Number.MAX_SAFE_INTEGER },
        now: seconds(clock),
        leastSerial: partner.serial,
      },
    );
  }

  async function assertMaySeal(
    reader: Reader,
    to: Party,
    sealer: { iss: string; sub: string },
    via: readonly string[],
  ): Promise<void> {
    const partner = await findPartner(reader, sealer.iss);
    if (partner?.status !== 'active') throw new CountersignError('partner_suspended');
    const permit = (asked: Pick<Asked, 'resource' | 'facts'>) =>
      requirePermission(deps, requestBy(askingPartner(partner), { action: 'seal-key', ...asked }));
    if ('sub' in to) {
      const { sub, assurance } = await requireActivePerson(reader, to.sub);
      return permit({ resource: { kind: 'person', id: sub, owner: sub, assurance } });
    }
    const group = await findGroup(reader, to.group);
    if (group === undefined) throw new CountersignError('group_unknown');
    if (group.status === 'ended') throw new CountersignError('group_ended');
    if (!(await mayTakePart(reader, to.group, sealer, via))) throw new CountersignError('group_unknown');
    permit({ resource: groupResource(group), facts: { groupRole: 'member' } });
  }

  return async (token, context) => {
    const request = await requests.verify(token, 'sealed-key-deposit+jwt', sealedKeyDepositSchema);
    const { partner, claims } = request;
    const { to, via } = claims;
    if (to.iss !== signer.iss)
      throw new CountersignError('claims_invalid', 'the recipient is not of this bridge');
    const sealer = await verifySealer(claims.signer, partner);
    const checked = await checkDeposit(claims, sealer, seconds(clock));
    const asked = { ...context, actor: { kind: 'partner', iss: partner.entity_id } } as const;
    await database.transaction(async (transaction) => {
      await requests.consume(transaction, request);
      await assertMaySeal(transaction, to, sealer.device, via);
      await assertDeposit(transaction, checked);
      if (await storeDeposit(transaction, checked, claims.signer, clock.now())) {
        await events.append(transaction, sealedEvent(checked, undefined, asked));
      }
    });
    const { key_id } = checked.claims;
    return requests.respond(request, 'sealed-key-receipt+jwt', { to, key_id });
  };
}
