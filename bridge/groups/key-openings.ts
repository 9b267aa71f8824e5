import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { KeyOpening } from '../../protocol/groups/api.ts';
import type { Party } from '../../protocol/groups/party.ts';
import { type Access, assertUnchanged, readAccess, readPublishedAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { requirePersonPermission } from '../binding/permission.ts';
import { openTransformKey } from '../binding/transform-keys.ts';
import type { Reader } from '../directory/handle.ts';
import { seconds } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { createForeignOpenings } from './foreign-openings.ts';
import { groupResource } from './group-resource.ts';
import { asRefusedOpening, type NamedOpening, openedEvent } from './opening-events.ts';
import { assertSamePath, findOpeningPath, type OpeningPath, readKeySince } from './opening-path.ts';
import type { KeyOpenings, OpeningDeps } from './opening-services.ts';
import { createPartnerOpenings } from './partner-openings.ts';
import { requireSealedKey, type StoredSealedKey } from './sealed-key-store.ts';
import { requireSealerEvidence } from './sealer-evidence.ts';
import { createTransformAlong } from './shared-hops.ts';

/** What an opening here rests on, all of it from the records. */
interface Standing {
  readonly access: Access;
  readonly sealed: StoredSealedKey;
  /** Null for a key that is sealed to the person. */
  readonly path: OpeningPath | null;
}

export function createKeyOpenings(given: OpeningDeps): KeyOpenings {
  const deps = { ...given, transformAlong: createTransformAlong(given) };
  const { database, signer, events, clock } = deps;
  const foreign = createForeignOpenings(deps);
  const answerPartner = createPartnerOpenings(deps);
  const evidenceOf = requireSealerEvidence(deps);

  async function openHere(
    who: Holder,
    to: Party,
    opening: NamedOpening,
    context: RequestContext,
    signal: AbortSignal | undefined,
  ): Promise<KeyOpening> {
    const before = await database.read(async (query) =>
      readStanding(query, await readPublishedAccess(query, deps.keyLog, who), to, opening),
    );
    permit(who, before);
    const { access, sealed, path } = before;
    const hops = path?.hops ?? [];
    const { device } = access;
    const name = { sub: who.sub, deviceId: device.device_id, keyVersion: device.key_version };
    const signerEvidence = await evidenceOf(sealed);
    const toDevice = await openTransformKey(signer, name, device.transform_key);
    const encrypted = await deps.transformAlong({
      ...{ sealed, path, beyond: [toDevice], signal },
      turn: [signer.iss, sealed.recipient, who.sub],
    });
    // Read again and reported in one transaction: what a restriction overtook is neither reported nor released.
    await database.transaction(async (transaction) => {
      const after = await readStanding(transaction, await readAccess(transaction, who), to, opening);
      assertUnchanged(access, after.access);
      if (path !== null && after.path !== null) assertSamePath(path, after.path);
      const groups = path === null ? [] : [path.group.group_id, ...hops.map(({ member_id }) => member_id)];
      await events.append(transaction, openedEvent(opening, [...new Set([...groups, who.sub])], context));
    });
    return {
      encrypted: encodeBase64url(encrypted),
      token: sealed.token,
      signer: signerEvidence,
      hops: hops.length + 1,
    };
  }

  async function readStanding(
    reader: Reader,
    access: Access,
    to: Party,
    { person, keyId }: NamedOpening,
  ): Promise<Standing> {
    if ('sub' in to) {
      const recipient = { recipient_kind: 'person', recipient: to.sub } as const;
      return { access, sealed: await requireSealedKey(reader, recipient, keyId), path: null };
    }
    const keySince = await readKeySince(reader, access);
    const wanted = { group: to.group, person, via: [], keySince };
    const path = await findOpeningPath(reader, wanted, signer.iss, seconds(clock));
    const recipient = { recipient_kind: 'group', recipient: to.group } as const;
    return { access, sealed: await requireSealedKey(reader, recipient, keyId), path };
  }

  function permit(who: Holder, { access, path }: Standing): void {
    requirePersonPermission(deps, who, {
      action: 'open-key',
      resource:
        path === null
          ? { kind: 'person', id: access.person.sub, owner: access.person.sub, assurance: who.assurance }
          : groupResource(path.group),
      facts: path === null ? {} : { groupRole: 'member' },
    });
  }

  return {
    async open(who, { to, key_id: keyId }, context, signal) {
      const person = { iss: signer.iss, sub: who.sub };
      const opening: NamedOpening = { to, keyId, person, deviceId: who.deviceId };
      try {
        if ('group' in to && to.iss !== signer.iss) {
          return await foreign.open(who, to, opening, context, signal);
        }
        if ('sub' in to && (to.iss !== signer.iss || to.sub !== who.sub)) {
          throw new CountersignError('sealed_key_unknown');
        }
        return await openHere(who, to, opening, context, signal);
      } catch (error) {
        throw asRefusedOpening(error, opening, context);
      }
    },
    answerPartner,
  };
}
