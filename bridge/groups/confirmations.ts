import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { GroupConfirmation } from '../../protocol/groups/api.ts';
import { type GroupKey, verifyGroupKey } from '../../protocol/groups/group-key.ts';
import { groupConfirmationTranscript } from '../../protocol/groups/group-transcript.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import { type Access, assertUnchanged, readAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { GROUPS_OF_CREATOR } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { signerOf } from './admin-access.ts';
import { readAdmins, sameAdmins } from './admin-standing.ts';
import { decodeAdminVaults } from './admin-vaults.ts';
import { countGroupsBy, findGroup, insertGroup, setAdmins } from './group-store.ts';
import { type OfferState, openOfferState, sealOfferState, transcriptOfOffer } from './offer-state.ts';
import { findOffer, markOfferConfirmed, type StoredOffer } from './offer-store.ts';
import { type ReceivedKey, receiveKey, storeReceivedKey } from './received-keys.ts';
import { sealGroupShare } from './sealed-group-keys.ts';
import type { GroupDeps, GroupMaking, GroupViews } from './services.ts';
import { createSignerEvidence } from './signer-evidence.ts';

/** Step 2 of making a group (PROTOCOL §10). */
export function createGroupConfirmations(
  deps: GroupDeps & { views: Pick<GroupViews, 'view'> },
): GroupMaking['confirm'] {
  const { database, signer } = deps;
  const find = createSignerEvidence(deps);
  return async (who, offerId, confirmation, context) => {
    const stored = await requireOwnOffer(deps, who, offerId);
    const state = await openOfferState(signer, stored);
    const confirmationHash = sha256Base64url(JSON.stringify([confirmation, who.deviceId]));
    if (stored.status === 'offered') {
      const { access, checked } = await check(deps, who, stored, state, confirmation);
      const rows = await prepareRows(deps, state, checked);
      const { claims, token } = checked;
      const key = await receiveKey(deps, find, { who, claims, token });
      await database.transaction((transaction) =>
        store(deps, transaction, { who, access, state, checked, key, rows, confirmationHash, context }),
      );
    }
    const confirmed = await requireOwnOffer(deps, who, offerId);
    if (confirmed.confirmation_hash !== confirmationHash) {
      throw new CountersignError('replayed', 'This group was confirmed with another body.');
    }
    const group = thumbprint(state.offer.group_key);
    return deps.views.view(who, { iss: signer.iss, group }, context);
  };
}

/** Another person's offer is not even said to exist. */
async function requireOwnOffer({ database }: GroupDeps, who: Holder, offerId: string): Promise<StoredOffer> {
  const stored = await database.read((query) => findOffer(query, offerId));
  if (stored?.sub !== who.sub) throw new CountersignError('group_offer_unknown');
  return stored;
}

interface Checked {
  readonly claims: GroupKey;
  readonly token: string;
  readonly vaults: readonly Uint8Array[];
  readonly share: Uint8Array;
}

/** Holds a confirmation, all of which an attacker may have made, against the bridge's record of the offer. */
async function check(
  deps: GroupDeps,
  who: Holder,
  stored: StoredOffer,
  state: OfferState,
  confirmation: GroupConfirmation,
): Promise<{ access: Access; checked: Checked }> {
  const { database, engine, clock, policy } = deps;
  if (seconds(clock) >= stored.expires) throw new CountersignError('group_offer_expired');
  if (stored.device_id !== who.deviceId) {
    throw new CountersignError('group_proof', 'the group was begun by another device');
  }
  if (state.offer.policy_hash !== policy.hash) {
    throw new CountersignError('conflict', 'The policy has changed since; begin again.');
  }
  if (state.share === null) throw new CountersignError('internal');
  const access = await database.read((query) => readAccess(query, who));
  const token = confirmation.group_key;
  const claims = await verifyGroupKey(token, signerOf(access));
  assertOffered(claims, state, seconds(clock));
  const vaults = decodeAdminVaults(confirmation.vaults, claims.admins);
  const transcript = groupConfirmationTranscript(transcriptOfOffer(state), { token, vaults });
  const proof = decodeBase64url(confirmation.half_proof, 64);
  if (!engine.schnorrVerify(preFromJwk(engine, state.request.client_half), transcript, proof)) {
    throw new CountersignError('group_proof', 'the proof by the client’s half does not verify');
  }
  return { access, checked: { claims, token, vaults, share: decodeBase64url(state.share, 32) } };
}

/** The first token says exactly what was offered. */
function assertOffered(claims: GroupKey, { request, offer, creator }: OfferState, now: number): void {
  if (claims.iss !== offer.iss || thumbprint(claims.key) !== thumbprint(offer.group_key)) {
    throw new CountersignError('group_key_mismatch', 'the token is of another group than was offered');
  }
  const admins = claims.admins.map(({ sub, address }) => ({ sub, address }));
  const offered = offer.admins.map(({ sub, address }) => ({ sub, address }));
  const same =
    claims.seq === 0 &&
    claims.key_version === 0 &&
    claims.kind === request.kind &&
    claims.label === request.label &&
    claims.ends === request.ends &&
    claims.creator === creator &&
    thumbprint(claims.signer) === thumbprint(request.signer) &&
    JSON.stringify(admins) === JSON.stringify(offered);
  if (!same) throw new CountersignError('group_proof', 'the token says something else than was offered');
  if (claims.iat > now + CLOCK_SKEW) throw new CountersignError('jws_not_yet_valid');
}

interface Rows {
  readonly share: Uint8Array;
  readonly state: Uint8Array;
}

/** Everything that is sealed, before the transaction is opened. */
async function prepareRows({ signer }: GroupDeps, state: OfferState, checked: Checked): Promise<Rows> {
  const name = { group: checked.claims.group, keyVersion: 0 };
  return {
    share: await sealGroupShare(signer, name, checked.share),
    state: await sealOfferState(signer, { ...state, share: null }),
  };
}

interface Confirmed {
  readonly who: Holder;
  readonly access: Access;
  readonly state: OfferState;
  readonly checked: Checked;
  readonly key: ReceivedKey;
  readonly rows: Rows;
  readonly confirmationHash: string;
  readonly context: RequestContext;
}

/** What was true at the offer is looked at again. Of two confirmations at the same time one is stored. */
async function store(deps: GroupDeps, transaction: Transaction, confirmed: Confirmed): Promise<void> {
  const { who, access, state, checked, key, rows, confirmationHash, context } = confirmed;
  const { claims, vaults } = checked;
  const now = seconds(deps.clock);
  const once = { confirmationHash, sealed: rows.state };
  if (!(await markOfferConfirmed(transaction, state.offer.offer_id, once))) return;
  assertUnchanged(access, await readAccess(transaction, who));
  const admins = await readAdmins(deps, transaction, state.request.admins);
  if (!sameAdmins(state.offer.admins, admins)) {
    throw new CountersignError('conflict', 'The key of an admin has changed; begin again.');
  }
  if ((await findGroup(transaction, claims.group)) !== undefined) throw new CountersignError('conflict');
  if ((await countGroupsBy(transaction, claims.creator)) >= GROUPS_OF_CREATOR) {
    throw new CountersignError('group_limit');
  }
  const head = sha256Base64url(key.token);
  await insertGroup(transaction, {
    group_id: claims.group,
    kind: claims.kind,
    label: claims.label,
    status: 'active',
    ends: claims.ends,
    creator: claims.creator,
    group_key: claims.key,
    signer: claims.signer,
    key_version: 0,
    seq: 0,
    head,
    members_seq: -1,
    members_head: null,
    share: rows.share,
    generation: 0,
    created: now,
    ended: null,
  });
  await storeReceivedKey(transaction, key, admins);
  await setAdmins(
    transaction,
    claims.group,
    admins.map(({ sub, address, key_version }, position) => ({
      ...{ sub, address, position, key_version },
      vault: vaults[position] ?? null,
    })),
  );
  await deps.events.append(transaction, {
    type: 'group.created',
    actor: context.actor,
    subject: { sub: who.sub, device: who.deviceId, group: claims.group },
    outcome: 'success',
    requestId: context.requestId,
    data: { kind: claims.kind, label: claims.label, admins: admins.map(({ sub }) => sub) },
  });
}
