import { decodeBase64url } from '../../protocol/base64url.ts';
import { importSignatureKey } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { GroupKeysBody } from '../../protocol/groups/api.ts';
import { assertAdmin, type GroupKey, verifyGroupKey } from '../../protocol/groups/group-key.ts';
import { assertGroupKeyFollows } from '../../protocol/groups/group-key-chain.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import type { Holder } from '../binding/holder.ts';
import { seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { MEETING_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { type AdminAccess, assertStillAdmin, requireAdmin } from './admin-access.ts';
import { type AdminStanding, readAdmins, sameAdmins } from './admin-standing.ts';
import { decodeAdminVaults } from './admin-vaults.ts';
import { advanceGroup, type GroupAdmin, setAdmins } from './group-store.ts';
import { assertEnd } from './offers.ts';
import { type ReceivedKey, receiveKey, storeReceivedKey } from './received-keys.ts';
import { rotatedShare } from './rotated-share.ts';
import { sealGroupShare } from './sealed-group-keys.ts';
import type { GroupDeps, GroupKeys, GroupViews } from './services.ts';
import { createSignerEvidence } from './signer-evidence.ts';

/** The next `group-key+jwt`: the group's key is signed anew, or rotated. */
export function createRenewals(deps: GroupDeps & { views: Pick<GroupViews, 'view'> }): GroupKeys['renew'] {
  const { database, signer } = deps;
  const { iss } = signer;
  const find = createSignerEvidence(deps);
  return async (who, group, body, context) => {
    const before = await database.read((query) => requireAdmin(deps, query, who, group));
    if (before.group.head !== sha256Base64url(body.token)) {
      const checked = await check(deps, before, body);
      const key = await receiveKey(deps, find, { who, claims: checked.claims, token: body.token });
      await database.transaction((transaction) =>
        store(deps, transaction, { who, before, checked, key, context }),
      );
    }
    return deps.views.view(who, { iss, group }, context);
  };
}

interface Checked {
  readonly claims: GroupKey;
  readonly standing: readonly AdminStanding[];
  readonly admins: readonly Omit<GroupAdmin, 'group_id'>[];
  /** Sealed; null unless it is a rotation. */
  readonly share: Uint8Array | null;
  readonly isRotation: boolean;
}

/** Holds the token, which an attacker may have made, against the one before it, and all that comes with it. */
async function check(deps: GroupDeps, before: AdminAccess, body: GroupKeysBody): Promise<Checked> {
  const { group, signer, authority } = before;
  const { iss } = deps.signer;
  const claims = await verifyGroupKey(body.token, signer);
  assertAdmin(authority, signer);
  // Right when it was made: another admin was faster, and its maker looks again.
  if (claims.seq <= group.seq) throw new CountersignError('conflict', 'The group was changed meanwhile.');
  const pinned = { ...group, iss, group: group.group_id, admins: authority.admins };
  assertGroupKeyFollows(claims, { claims: pinned, hash: group.head });
  const now = seconds(deps.clock);
  if (claims.iat > now + CLOCK_SKEW) throw new CountersignError('jws_not_yet_valid');
  // An end that stays was right under the policy of then.
  const life = claims.ends === group.ends ? MEETING_LIFE_S : deps.policy.lifetimes.meeting;
  assertEnd(claims.kind, claims.ends, { now, life });
  const isRotation = claims.key_version !== group.key_version;
  const standing = await deps.database.read((query) => readStanding(deps, query, claims));
  const vaults = body.vaults === undefined ? null : decodeAdminVaults(body.vaults, claims.admins);
  const admins = withVaults(before, standing, vaults);
  if (isRotation) await importSignatureKey(claims.signer);
  return {
    claims,
    standing,
    admins,
    isRotation,
    share: await shareAfter(deps, before, claims, body, vaults),
  };
}

/** The share as it will rest after a rotation; null where it stays. Throws `group_proof` where the parts do not belong together. */
async function shareAfter(
  { engine, signer }: GroupDeps,
  { group }: AdminAccess,
  claims: GroupKey,
  body: GroupKeysBody,
  vaults: readonly Uint8Array[] | null,
): Promise<Uint8Array | null> {
  if (group.share === null) throw new CountersignError('group_ended');
  const isRotation = claims.key_version !== group.key_version;
  const { factor, client_half, half_proof } = body;
  const given =
    factor !== undefined && client_half !== undefined && half_proof !== undefined && vaults !== null;
  if (isRotation !== given) {
    throw new CountersignError('group_proof', 'a rotation has a new version, and all of its parts');
  }
  if (!given) return null;
  const share = await rotatedShare(engine, signer, group, {
    ...{ token: body.token, vaults, keyVersion: claims.key_version, clientHalf: client_half },
    ...{ factor: decodeBase64url(factor, 32), proof: decodeBase64url(half_proof, 64) },
  });
  return sealGroupShare(signer, { group: group.group_id, keyVersion: claims.key_version }, share);
}

/** The admins whom the token names, by the addresses that are theirs now. Throws `group_proof` and what `readAdmins` does. */
async function readStanding(
  deps: GroupDeps,
  reader: Parameters<typeof readAdmins>[1],
  { admins }: GroupKey,
): Promise<AdminStanding[]> {
  const standing = await readAdmins(
    deps,
    reader,
    admins.map(({ sub }) => sub),
  );
  const same = standing.every(({ address }, index) => address === admins[index]?.address);
  if (!same) throw new CountersignError('group_proof', 'an admin has another address than the token says');
  return standing;
}

/** Without new vaults, admins keep theirs, and nobody can be added. */
function withVaults(
  { admins: before }: AdminAccess,
  standing: readonly AdminStanding[],
  vaults: readonly Uint8Array[] | null,
): Omit<GroupAdmin, 'group_id'>[] {
  return standing.map(({ sub, address, key_version }, position) => {
    if (vaults !== null) return { sub, address, position, key_version, vault: vaults[position] ?? null };
    const kept = before.find((admin) => admin.sub === sub);
    if (kept === undefined) throw new CountersignError('malformed_request', 'A new admin needs a vault.');
    return { sub, address, position, key_version: kept.key_version, vault: kept.vault };
  });
}

interface Renewing {
  readonly who: Holder;
  readonly before: AdminAccess;
  readonly checked: Checked;
  readonly key: ReceivedKey;
  readonly context: RequestContext;
}

/** What was true when the token was checked is looked at again; of two tokens at the same time one is stored. */
async function store(deps: GroupDeps, transaction: Transaction, renewing: Renewing): Promise<void> {
  const { who, before, checked, key, context } = renewing;
  const { claims, admins, share, isRotation } = checked;
  assertStillAdmin(before, await requireAdmin(deps, transaction, who, claims.group));
  if (!sameAdmins(checked.standing, await readStanding(deps, transaction, claims))) {
    throw new CountersignError('conflict', 'The key of an admin has changed meanwhile.');
  }
  const head = sha256Base64url(key.token);
  const { label, ends, signer, key_version, seq } = claims;
  // A share that stays is left alone: it may have been sealed anew since it was read.
  const next = { label, ends, signer, key_version, seq, head, ...(share === null ? {} : { share }) };
  if (!(await advanceGroup(transaction, claims.group, before.group.head, next))) {
    throw new CountersignError('conflict', 'The group was changed meanwhile.');
  }
  await storeReceivedKey(transaction, key, admins);
  await setAdmins(transaction, claims.group, admins);
  const names = admins.map(({ sub }) => sub);
  await deps.events.append(transaction, {
    actor: context.actor,
    subject: { sub: who.sub, device: who.deviceId, group: claims.group },
    outcome: 'success',
    requestId: context.requestId,
    ...(isRotation
      ? { type: 'group.rotated', data: { seq, key_version, admins: names } }
      : { type: 'group.renewed', data: { seq, label, admins: names } }),
  });
}
