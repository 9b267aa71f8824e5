import { CountersignError } from '../../protocol/errors.ts';
import { MEMBERSHIP_BATCH, type SealedKeyBody, VIA_GROUPS } from '../../protocol/groups/api.ts';
import { sealedKeyReceiptClaimsSchema } from '../../protocol/groups/federation.ts';
import { sameParty } from '../../protocol/groups/party.ts';
import { type Access, readAccess, readPublishedAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { requirePersonPermission } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import { requireActivePerson } from '../directory/persons.ts';
import { answerOf } from '../federation/bridge-calls.ts';
import { seconds } from '../lib/clock.ts';
import { SEALED_KEY_RECEIPT_BYTES } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { signerOf } from './admin-access.ts';
import {
  assertDeposit,
  type CheckedDeposit,
  checkDeposit,
  recipientOf,
  sealedEvent,
  storeDeposit,
} from './deposit-checks.ts';
import { groupResource } from './group-resource.ts';
import { findGroup } from './group-store.ts';
import { durableGroupsOf } from './opening-path.ts';
import type { OpeningDeps, SealedKeyDeposits } from './opening-services.ts';
import { createPartnerDeposits } from './partner-deposits.ts';
import { isNamedRecipient } from './policy-recipients.ts';
import { listSealedKeys } from './sealed-key-store.ts';
import { createSealerEvidence } from './sealer-evidence.ts';
import { createSignerEvidence } from './signer-evidence.ts';
import { roleIn } from './taking-part.ts';

/** Where partners bring what their people sealed to recipients here, below the entity id. */
export const SEALED_KEYS_PATH = '/federation/v1/sealed-keys';

/** What the recipient's bridge may refuse with that our client can understand. */
const REFUSALS = [
  'group_unknown',
  'group_ended',
  'person_unknown',
  'person_closed',
  'conflict',
  'jws_expired',
] as const;

export function createSealedKeyDeposits(deps: OpeningDeps): SealedKeyDeposits {
  const { database, signer, events, calls, clock } = deps;
  const findEvidence = createSignerEvidence(deps);
  const findSealer = createSealerEvidence(deps);
  const answerPartner = createPartnerDeposits(deps);

  /** Throws `group_unknown`, `group_ended`, `person_unknown`, `person_closed`, `forbidden`. */
  async function assertMaySeal(
    reader: Reader,
    who: Holder,
    { claims: { to }, data }: CheckedDeposit,
  ): Promise<void> {
    if ('sub' in to) {
      const { assurance } = await requireActivePerson(reader, to.sub);
      const resource = { kind: 'person', id: to.sub, owner: to.sub, assurance } as const;
      return requirePersonPermission(deps, who, { action: 'seal-key', resource });
    }
    const groupRole = await roleIn(reader, to.group, { iss: signer.iss, sub: who.sub });
    const group = await findGroup(reader, to.group);
    const named = data !== undefined && isNamedRecipient(deps, who, data, to.group);
    const mayKnow = groupRole !== 'none' || named;
    if (group === undefined || !mayKnow) throw new CountersignError('group_unknown');
    if (group.status === 'ended') throw new CountersignError('group_ended');
    const resource = groupResource(group);
    requirePersonPermission(deps, who, { action: 'seal-key', resource, facts: { groupRole, named } });
  }

  function readOwn(who: Holder): Promise<Access> {
    return database.read((query) => readPublishedAccess(query, deps.keyLog, who));
  }

  /** The keys of a meeting are of use for as long as their host's device: its evidence can be made afresh. */
  function evidenceToKeep(who: Holder, { claims }: CheckedDeposit) {
    return claims.term === null ? findEvidence(who.sub, who.deviceId) : undefined;
  }

  async function keep(who: Holder, checked: CheckedDeposit, context: RequestContext): Promise<void> {
    const evidence = await evidenceToKeep(who, checked);
    await database.transaction(async (transaction) => {
      await assertDeposit(transaction, checked);
      await store(transaction, who, checked, evidence, context);
    });
  }

  async function store(
    transaction: Transaction,
    who: Holder,
    checked: CheckedDeposit,
    evidence: Awaited<ReturnType<typeof findEvidence>>,
    context: RequestContext,
  ): Promise<void> {
    await readAccess(transaction, who);
    await assertMaySeal(transaction, who, checked);
    if (await storeDeposit(transaction, checked, evidence, clock.now())) {
      await events.append(transaction, sealedEvent(checked, who.deviceId, context));
    }
  }

  /** To the recipient's bridge, which decides; what it answers is for this very request. */
  async function bring(
    who: Holder,
    { to, token, encrypted }: SealedKeyBody,
    { claims }: CheckedDeposit,
  ): Promise<void> {
    requirePersonPermission(deps, who, {
      action: 'seal-foreign-key',
      resource: 'group' in to ? { kind: 'group', id: to.group } : { kind: 'person', id: to.sub },
    });
    const evidence = await findEvidence(who.sub, who.deviceId);
    if (evidence === undefined) throw new CountersignError('device_not_endorsed');
    const person = { iss: signer.iss, sub: who.sub };
    const via = await database.read((query) => durableGroupsOf(query, person, VIA_GROUPS));
    const verifyReceipt = answerOf('sealed-key-receipt+jwt', sealedKeyReceiptClaimsSchema);
    await calls.askBridge(to.iss, {
      type: 'sealed-key-deposit+jwt',
      endpoint: ({ entity_id }) => entity_id + SEALED_KEYS_PATH,
      claims: { to, token, encrypted, via: via.map(({ group_id }) => group_id), signer: evidence },
      ...{ maxBytes: SEALED_KEY_RECEIPT_BYTES, refusals: REFUSALS },
      async verify(...verified) {
        const receipt = await verifyReceipt(...verified);
        if (!sameParty(receipt.to, to) || receipt.key_id !== claims.key_id) {
          throw new CountersignError('claims_invalid', 'a receipt for another key');
        }
      },
    });
  }

  return {
    async deposit(who, body, context) {
      const access = await readOwn(who);
      const checked = await checkDeposit(body, signerOf(access), seconds(clock));
      if (body.to.iss === signer.iss) await keep(who, checked, context);
      else await bring(who, body, checked);
      return { to: body.to, key_id: checked.claims.key_id };
    },

    answerPartner,

    async list(who, group, after) {
      const recipient = recipientOf({ iss: signer.iss, group });
      const page = { after, limit: MEMBERSHIP_BATCH };
      const keys = await database.read(async (query) => {
        await readAccess(query, who);
        const found = await findGroup(query, group);
        const groupRole = await roleIn(query, group, { iss: signer.iss, sub: who.sub });
        if (found === undefined || groupRole === 'none') throw new CountersignError('group_unknown');
        requirePersonPermission(deps, who, {
          action: 'see-group',
          resource: groupResource(found),
          facts: { groupRole },
        });
        return listSealedKeys(query, recipient, page);
      });
      const sealers = new Map(keys.map((key) => [key.device_id, key]));
      const signers = await Promise.all([...sealers.values()].map((key) => findSealer(key)));
      const last = keys.at(-1);
      return {
        tokens: keys.map(({ token }) => token),
        signers: signers.filter((evidence) => evidence !== undefined),
        next: last !== undefined && keys.length === MEMBERSHIP_BATCH ? last.created : null,
      };
    },

    async check(who, group, sealed) {
      const body = { ...sealed, to: { iss: signer.iss, group } };
      const checked = await checkDeposit(body, signerOf(await readOwn(who)), seconds(clock));
      const evidence = await evidenceToKeep(who, checked);
      return {
        claims: checked.claims,
        store: (transaction, context) => store(transaction, who, checked, evidence, context),
      };
    },
  };
}
