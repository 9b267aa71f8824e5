import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type KeyOpeningResponse, keyOpeningRequestSchema } from '../../protocol/groups/federation.ts';
import { requestBy, requirePermission } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import { askingPartner } from '../federation/asking-partner.ts';
import { findPartner } from '../federation/partner-store.ts';
import { seconds } from '../lib/clock.ts';
import { findExclusion } from './exclusion-store.ts';
import { groupResource } from './group-resource.ts';
import type { GroupMember } from './member-store.ts';
import { asRefusedOpening, type NamedOpening, openedEvent } from './opening-events.ts';
import { assertSamePath, findOpeningPath, type WantedPath } from './opening-path.ts';
import type { KeyOpenings, OpeningDeps } from './opening-services.ts';
import { requireSealedKey } from './sealed-key-store.ts';
import { requireSealerEvidence } from './sealer-evidence.ts';
import type { TransformAlong } from './shared-hops.ts';

/**
 * Our part of an opening for a person of a partner: from the group to the person, or to a durable group that the
 * partner keeps. What is transformed is stored here and was sealed to the group; the partner chooses none of it, so that
 * it cannot use us to open anything else (PROTOCOL §10).
 */
export function createPartnerOpenings(
  deps: OpeningDeps & { readonly transformAlong: TransformAlong },
): KeyOpenings['answerPartner'] {
  const { database, signer, events, requests, clock } = deps;
  const evidenceOf = requireSealerEvidence(deps);

  async function readStanding(reader: Reader, wanted: WantedPath, keyId: string) {
    const partner = await findPartner(reader, wanted.person.iss);
    if (partner?.status !== 'active') throw new CountersignError('partner_suspended');
    const recipient = { recipient_kind: 'group', recipient: wanted.group } as const;
    const path = await findOpeningPath(reader, wanted, signer.iss, seconds(clock));
    const sealed = await requireSealedKey(reader, recipient, keyId);
    return { path, sealed, said: await findExclusion(reader, wanted.group, wanted.person) };
  }

  return async (token, context, signal) => {
    const request = await requests.accept(token, 'key-opening-request+jwt', keyOpeningRequestSchema);
    const { partner, claims } = request;
    const { group, sub, via, key_id: keyId, key_since: keySince } = claims;
    const person = { iss: partner.entity_id, sub };
    const asked = { ...context, actor: { kind: 'partner', iss: partner.entity_id } } as const;
    const opening: NamedOpening = { to: { iss: signer.iss, group }, keyId, person };
    const wanted = { group, person, via, keySince };
    try {
      const { path, sealed, said } = await database.read((query) => readStanding(query, wanted, keyId));
      const resource = groupResource(path.group);
      const asking = { action: 'open-key', resource, facts: { groupRole: 'member' } } as const;
      requirePermission(deps, requestBy(askingPartner(partner), asking));
      const signerEvidence = await evidenceOf(sealed);
      const encrypted = await deps.transformAlong({
        ...{ sealed, path, beyond: [], signal },
        turn: [partner.entity_id, group, sub],
      });
      await database.transaction(async (transaction) => {
        assertSamePath(path, (await readStanding(transaction, wanted, keyId)).path);
        const used = [group, ...path.hops.map(({ member_id }) => member_id)];
        await events.append(transaction, openedEvent(opening, used, asked));
      });
      return await requests.respond(request, 'key-opening-response+jwt', {
        ...{ group, key_id: keyId, target: targetOf(path.end), hops: path.hops.length },
        encrypted: encodeBase64url(encrypted),
        ...{ token: sealed.token, signer: signerEvidence },
        exclusions: said === undefined ? [] : [said.token],
      } satisfies Partial<KeyOpeningResponse>);
    } catch (error) {
      throw asRefusedOpening(error, opening, asked);
    }
  };
}

function targetOf({ kind, iss, member_id, key_version }: GroupMember): KeyOpeningResponse['target'] {
  return kind === 'person' ? { iss, sub: member_id, key_version } : { iss, group: member_id, key_version };
}
