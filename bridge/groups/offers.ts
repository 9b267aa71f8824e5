import { encodeBase64url } from '../../protocol/base64url.ts';
import { importSignatureKey } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { GroupOffer, GroupRequest } from '../../protocol/groups/api.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { type Access, readAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { requirePersonPermission } from '../binding/permission.ts';
import { seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { newHandle, newId } from '../lib/ids.ts';
import { GROUP_OFFER_LIFE_S, GROUPS_OF_CREATOR } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { isUniqueViolation } from '../storage/database.ts';
import { type AdminStanding, readAdmins } from './admin-standing.ts';
import { countGroupsBy } from './group-store.ts';
import { type OfferState, openOfferState, sealOfferState, transcriptOfOffer } from './offer-state.ts';
import { findOfferByRequest, insertOffer, type StoredOffer } from './offer-store.ts';
import type { GroupDeps, GroupMaking } from './services.ts';

/** Step 1 of making a group (PROTOCOL §10): the bridge proves that it knows no more than its share. */
export function createGroupOffers(deps: GroupDeps): GroupMaking['offer'] {
  const { database, signer, events } = deps;

  async function findEarlier(who: Holder, requestId: string): Promise<StoredOffer | undefined> {
    return database.read((query) => findOfferByRequest(query, who.sub, requestId));
  }

  async function repeat(earlier: StoredOffer, requestHash: string): Promise<GroupOffer> {
    if (earlier.request_hash !== requestHash) throw new CountersignError('request_id_reused');
    return (await openOfferState(signer, earlier)).offer;
  }

  async function store(state: OfferState, requestHash: string, context: RequestContext): Promise<void> {
    const { offer, request, creator, device } = state;
    const sealed = await sealOfferState(signer, state);
    await database.transaction(async (transaction) => {
      await insertOffer(transaction, {
        offer_id: offer.offer_id,
        sub: creator,
        request_id: request.request_id,
        request_hash: requestHash,
        device_id: device,
        sealed,
        created: seconds(deps.clock),
        expires: offer.expires,
      });
      await events.append(transaction, {
        type: 'group.offered',
        actor: context.actor,
        subject: { sub: creator, device, group: thumbprint(offer.group_key) },
        outcome: 'success',
        requestId: context.requestId,
        data: { offer_id: offer.offer_id, kind: request.kind },
      });
    });
  }

  return async (who, request, context) => {
    requirePersonPermission(deps, who, {
      action: 'create-group',
      resource: {
        ...{ kind: 'group', id: 'new', owner: who.sub },
        ...{ groupKind: request.kind, label: request.label },
      },
    });
    const requestHash = sha256Base64url(JSON.stringify([request, who.deviceId]));
    const earlier = await findEarlier(who, request.request_id);
    if (earlier !== undefined) return repeat(earlier, requestHash);
    const { access, admins } = await database.read(async (query) => {
      const own = await readAccess(query, who);
      if ((await countGroupsBy(query, who.sub)) >= GROUPS_OF_CREATOR)
        throw new CountersignError('group_limit');
      return { access: own, admins: await readAdmins(deps, query, request.admins) };
    });
    assertRequest(request, who, { now: seconds(deps.clock), life: deps.policy.lifetimes.meeting });
    await assertKeys(deps, request, access);
    const state = prepare(deps, who, request, admins);
    try {
      await store(state, requestHash, context);
    } catch (error) {
      if (!isUniqueViolation(error, 'group_offers')) throw error;
      const meanwhile = await findEarlier(who, request.request_id);
      if (meanwhile === undefined) throw error;
      return repeat(meanwhile, requestHash);
    }
    return state.offer;
  };
}

function assertRequest({ kind, ends, admins }: GroupRequest, who: Holder, time: MeetingTime): void {
  if (!admins.includes(who.sub)) {
    throw new CountersignError('malformed_request', 'Whoever makes a group is one of its admins.');
  }
  assertEnd(kind, ends, time);
}

/** In seconds; `life` as policy says it now. */
export interface MeetingTime {
  readonly now: number;
  readonly life: number;
}

/** Meetings, and only they, have an end, within the life that policy gives them. Throws `malformed_request`. */
export function assertEnd(kind: GroupRequest['kind'], ends: number | null, { now, life }: MeetingTime): void {
  if (kind === 'durable' && ends === null) return;
  const inTime = ends !== null && ends > now && ends <= now + life;
  if (kind === 'meeting' && inTime) return;
  throw new CountersignError(
    'malformed_request',
    'A meeting, and nothing else, has an end in the near future.',
  );
}

/** Both keys are the client's choice, and may be anything. One key, one purpose. */
async function assertKeys({ engine }: GroupDeps, request: GroupRequest, access: Access): Promise<void> {
  await importSignatureKey(request.signer);
  preFromJwk(engine, request.client_half);
  const taken = [...access.keys.keys, ...access.device.keys].map(thumbprint);
  if (taken.includes(thumbprint(request.signer)) || taken.includes(thumbprint(request.client_half))) {
    throw new CountersignError('key_invalid', 'A group needs keys of its own.');
  }
}

function prepare(
  { engine, signer, policy, clock }: GroupDeps,
  who: Holder,
  request: GroupRequest,
  admins: readonly AdminStanding[],
): OfferState {
  const share = engine.generateKeyPair();
  const groupKey = engine.augmentPublicKey(preFromJwk(engine, request.client_half), share.publicKey);
  const offered = {
    iss: signer.iss,
    offer_id: newId(),
    nonce: newHandle(),
    policy_hash: policy.hash,
    share: preToJwk(share.publicKey),
    group_key: preToJwk(groupKey),
    admins: [...admins],
    expires: seconds(clock) + GROUP_OFFER_LIFE_S,
  };
  const made = { request, creator: who.sub, device: who.deviceId };
  const transcript = transcriptOfOffer({ ...made, offer: offered });
  const proof = engine.schnorrSign(share.privateKey, share.publicKey, transcript);
  return {
    ...made,
    offer: { ...offered, share_proof: encodeBase64url(proof) },
    share: encodeBase64url(share.privateKey),
  };
}
