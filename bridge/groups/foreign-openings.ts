import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { type GroupRef, type KeyOpening, VIA_GROUPS } from '../../protocol/groups/api.ts';
import { exclusionSchema } from '../../protocol/groups/exclusion.ts';
import { type KeyOpeningResponse, keyOpeningResponseSchema } from '../../protocol/groups/federation.ts';
import { sameParty } from '../../protocol/groups/party.ts';
import { sealedKeySchema } from '../../protocol/groups/sealed-key.ts';
import { decodeClaims, readHeader } from '../../protocol/jws.ts';
import { decodeEncryptedValue } from '../../recrypt/encoding.ts';
import { assertUnchanged, readAccess, readPublishedAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { requirePersonPermission } from '../binding/permission.ts';
import { openTransformKey } from '../binding/transform-keys.ts';
import type { Reader } from '../directory/handle.ts';
import { answerOf } from '../federation/bridge-calls.ts';
import { asPartnerFault } from '../federation/partner-faults.ts';
import { findPartner } from '../federation/partner-store.ts';
import { KEY_OPENING_RESPONSE_BYTES, KEY_OPENING_TIMEOUT_MS } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { GroupMember } from './member-store.ts';
import { type NamedOpening, openedEvent } from './opening-events.ts';
import {
  assertLeadsTo,
  assertSameHops,
  durableGroupsOf,
  findDurableMember,
  openHops,
  readKeySince,
} from './opening-path.ts';
import type { OpeningDeps } from './opening-services.ts';
import { createSignerEvidence } from './signer-evidence.ts';

/** Where partners open keys of their groups for each other's people, below the entity id. */
export const KEY_OPENINGS_PATH = '/federation/v1/key-openings';

/**
 * Opening a key of a partner's group: the partner transforms as far as the person, or a durable group of theirs here;
 * we go on to the device. Its answer is taken only for the request that this device's opening made, with exactly the
 * transforms that it says, and what comes out goes to that device alone (PROTOCOL §10).
 */
export interface ForeignOpenings {
  open(
    who: Holder,
    to: GroupRef,
    opening: NamedOpening,
    context: RequestContext,
    signal: AbortSignal | undefined,
  ): Promise<KeyOpening>;
}

/** The partner's part. Whether sealer and token are true, the device verifies. */
interface PartnerPart {
  readonly response: KeyOpeningResponse;
  readonly sealer: { readonly iss: string; readonly sub: string; readonly deviceId: string };
  readonly isMeetings: boolean;
  readonly isExcluded: boolean;
}

/** What our records have of the person: the durable groups here that lead to their key, and since when they have it. */
interface Own {
  readonly via: readonly string[];
  readonly keySince: number;
}

/** What the partner may refuse with that our client can understand. */
const REFUSALS = [
  'group_unknown',
  'group_ended',
  'group_excluded',
  'membership_stale',
  'sealed_key_unknown',
  'conflict',
] as const;

export function createForeignOpenings(deps: OpeningDeps): ForeignOpenings {
  const { database, signer, events, transforms, calls } = deps;
  const findEvidence = createSignerEvidence(deps);

  /** The partner's part, held against what was asked. Throws the partner codes, and `group_excluded`. */
  async function ask(
    to: GroupRef,
    { person, keyId }: NamedOpening,
    { via, keySince }: Own,
    signal: AbortSignal | undefined,
  ): Promise<PartnerPart> {
    const verifyResponse = answerOf('key-opening-response+jwt', keyOpeningResponseSchema);
    const { answer } = await calls.askBridge(to.iss, {
      type: 'key-opening-request+jwt',
      endpoint: ({ entity_id }) => entity_id + KEY_OPENINGS_PATH,
      claims: { group: to.group, sub: person.sub, via, key_id: keyId, key_since: keySince },
      ...{ maxBytes: KEY_OPENING_RESPONSE_BYTES, timeoutMs: KEY_OPENING_TIMEOUT_MS },
      ...{ refusals: REFUSALS, signal },
      verify: async (...verified) => partOf(await verifyResponse(...verified), to, { person, keyId }, via),
    });
    if (answer.isExcluded) throw new CountersignError('group_excluded');
    return answer;
  }

  /** The hops between the partner's answer and the person's key: none, or from a durable group here to them. */
  async function readOwnHops(
    reader: Reader,
    keySince: number,
    { target }: KeyOpeningResponse,
    { person }: NamedOpening,
  ): Promise<GroupMember[]> {
    if ('sub' in target) {
      assertLeadsTo(target.key_version, keySince);
      return [];
    }
    const member = await findDurableMember(reader, target.group, person);
    if (member === undefined) throw new CountersignError('group_unknown');
    assertLeadsTo(member.key_version, keySince);
    return [member];
  }

  return {
    async open(who, to, opening, context, signal) {
      requirePersonPermission(deps, who, {
        action: 'open-foreign-key',
        resource: { kind: 'group', id: to.group },
      });
      const { access, ...own } = await database.read(async (query) => {
        const access = await readPublishedAccess(query, deps.keyLog, who);
        const keySince = await readKeySince(query, access);
        const groups = await durableGroupsOf(query, opening.person, VIA_GROUPS);
        const leading = groups.filter(({ key_version }) => key_version >= keySince);
        return { access, keySince, via: leading.map(({ group_id }) => group_id) };
      });
      const { keySince } = own;
      const { response, sealer, isMeetings } = await ask(to, opening, own, signal);
      const hops = await database.read((query) => readOwnHops(query, keySince, response, opening));
      const { device } = access;
      const name = { sub: who.sub, deviceId: device.device_id, keyVersion: device.key_version };
      const toDevice = await openTransformKey(signer, name, device.transform_key);
      const keys = [...(await openHops(signer, hops)), toDevice];
      const encrypted = await transforms
        .run({
          ...{ encrypted: decodeBase64url(response.encrypted), keys, signal },
          ...{ maxBlocks: response.hops, exactBlocks: response.hops, turn: [signer.iss, to.group, who.sub] },
          priority: isMeetings ? 'join' : 'asset',
        })
        .catch((error: unknown) => {
          // The keys are ours: what is malformed is the partner's.
          throw isCountersignError(error, 'recrypt_input_invalid') ? asPartnerFault(error) : error;
        });
      const fresh = sealer.iss === signer.iss ? await findEvidence(sealer.sub, sealer.deviceId) : undefined;
      await database.transaction(async (transaction) => {
        const partner = await findPartner(transaction, to.iss);
        if (partner?.status !== 'active') throw new CountersignError('partner_suspended');
        const after = await readAccess(transaction, who);
        assertUnchanged(access, after);
        assertSameHops(hops, await readOwnHops(transaction, keySince, response, opening));
        const used = [...hops.map(({ group_id }) => group_id), who.sub];
        await events.append(transaction, openedEvent(opening, used, context));
      });
      return {
        encrypted: encodeBase64url(encrypted),
        token: response.token,
        signer: fresh ?? response.signer,
        hops: response.hops + keys.length,
      };
    },
  };
}

/** Refuses an answer for another key, person or way than was asked for. Attacker-controlled, all of it. */
function partOf(
  response: KeyOpeningResponse,
  to: GroupRef,
  { person, keyId }: Pick<NamedOpening, 'person' | 'keyId'>,
  via: readonly string[],
): PartnerPart {
  const { group, key_id, target, hops, token, exclusions } = response;
  const sealed = decodeClaims(token, 'sealed-key+jwt', sealedKeySchema);
  const isAsked =
    group === to.group && key_id === keyId && sealed.key_id === keyId && sameParty(sealed.to, to);
  // A durable group is reached from the partner's in one hop: whoever is behind it is for us to say.
  const isWay =
    target.iss === person.iss &&
    ('sub' in target ? target.sub === person.sub : via.includes(target.group) && hops === 1);
  const { transformBlocks } = decodeEncryptedValue(decodeBase64url(response.encrypted), { maxBlocks: hops });
  if (transformBlocks.length !== hops) {
    throw new CountersignError('recrypt_input_invalid', 'not as many transforms as the way has');
  }
  if (!isAsked || !isWay) throw new CountersignError('claims_invalid', 'another key than was asked for');
  // To shut out takes no proof.
  const isExcluded = exclusions
    .map((said) => decodeClaims(said, 'group-exclusion+jwt', exclusionSchema))
    .some(
      ({ act, member, group: from }) =>
        act === 'exclude' && from === to.group && member.iss === person.iss && member.sub === person.sub,
    );
  const sealer = { iss: sealed.iss, sub: sealed.sub, deviceId: readHeader(token).kid };
  return { response, sealer, isMeetings: sealed.term !== null, isExcluded };
}
