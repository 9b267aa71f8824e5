import { encodeBase64url } from '../../protocol/base64url.ts';
import { type ExclusionsBody, groupViewSchema } from '../../protocol/groups/api.ts';
import { signExclusion } from '../../protocol/groups/exclusion.ts';
import type { ClientParts } from '../own-account.ts';
import { actingDevice, assertActsFor } from './acting.ts';
import { pinnedGroup } from './group-pins.ts';
import type { GroupRef, VerifiedGroup } from './groups.ts';
import { namedPeople } from './named-people.ts';
import { sentAgain } from './sent-again.ts';
import { describeGroup, judgeGroup, judgeShown } from './view.ts';

/** Shuts people out who are in by a durable group, or lets them in again (PROTOCOL §10). */
export async function changeExclusions(
  parts: ClientParts,
  ref: GroupRef,
  act: 'exclude' | 'readmit',
  addresses: readonly string[],
): Promise<VerifiedGroup> {
  const actor = await actingDevice(parts);
  const { claims } = await judgeGroup(parts, ref);
  assertActsFor(actor, claims);
  const tokens: string[] = [];
  for (const { iss, sub } of await namedPeople(parts, addresses)) {
    tokens.push(
      await signExclusion(actor.device.sig, {
        ...{ v: 1, iss: claims.iss, group: claims.group, member: { iss, sub }, act },
        nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(32))),
        iat: parts.context.now(),
      }),
    );
  }
  const body: ExclusionsBody = { tokens };
  const path = `/v1/groups/${claims.group}/exclusions`;
  const shown = await sentAgain(() => parts.api.post(path, body, groupViewSchema));
  return describeGroup(await judgeShown(parts, ref, shown, await pinnedGroup(parts.context, ref)));
}
