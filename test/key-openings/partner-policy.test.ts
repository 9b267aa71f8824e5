import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as z from 'zod/mini';
import { createKeyOpenings } from '../../bridge/groups/key-openings.ts';
import { createSealedKeyDeposits } from '../../bridge/groups/sealed-key-deposits.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import type { Policy } from '../../bridge/policy/policy.ts';
import type { BridgeRequestEnvelope } from '../../protocol/bridge-request.ts';
import type { Json } from '../../protocol/canonical-json.ts';
import { keyOpeningRequestSchema, sealedKeyDepositSchema } from '../../protocol/groups/federation.ts';
import { decodeClaims, type ObjectType } from '../../protocol/jws.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { Enrolled } from '../fakes/client-side.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { policyText, withFile } from '../policy/policy-texts.ts';
import { depositKey, makeGroupOf, open, recipientGroup } from './sealing.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from './two-bridges.ts';

const CONTEXT: RequestContext = { requestId: 'request-1', actor: { kind: 'anonymous' } };

let bridges: TwoBridges;
let acme: OpeningBridge;
let globex: OpeningBridge;
let ada: Enrolled;
let gwen: Enrolled;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  [ada, gwen] = [await acme.addEnrolled('ada'), await globex.addEnrolled('gwen')];
});

afterAll(() => bridges?.close());

/** What Globex asked last, as another request of its: the one counted. */
async function askedAgain(type: ObjectType, schema: z.ZodMiniType<BridgeRequestEnvelope>): Promise<string> {
  const claims = decodeClaims(globex.sent.at(-1) ?? '', type, schema);
  return globex.parts.signer.sign('federation', type, { ...claims, jti: crypto.randomUUID() } as Json &
    object);
}

function forbidding(action: 'open-key' | 'seal-key', resource: 'Group' | 'Subject'): Policy {
  const rule = `forbid (principal is Countersign::Partner, action == Countersign::Action::"${action}", resource is Countersign::${resource})`;
  return testPolicy({ change: () => withFile(policyText('not-for-partners', rule)) });
}

describe('a partner whom policy does not permit it', () => {
  it('opens no key of a group here', async () => {
    const { to, keyId } = await depositKey(acme, ada, recipientGroup(await makeGroupOf(acme, ada, [gwen])));
    await open(globex, gwen, to, keyId);
    const ask = () => askedAgain('key-opening-request+jwt', keyOpeningRequestSchema);
    const policy = forbidding('open-key', 'Group');
    const before = acme.transformsRun();
    await expectCode(createKeyOpenings({ ...acme, policy }).answerPartner(await ask(), CONTEXT), 'forbidden');
    expect(acme.transformsRun()).toBe(before);
    expect(await acme.keyOpenings.answerPartner(await ask(), CONTEXT)).toBeTruthy();
  });

  it.each<[string, 'Group' | 'Subject']>([
    ['a group', 'Group'],
    ['a person', 'Subject'],
  ])('brings no key that is sealed to %s here', async (_whom, kind) => {
    const group = recipientGroup(await makeGroupOf(acme, ada, [gwen]));
    const [key] = ada.offer.statement.keys;
    const person = { to: { iss: acme.iss, sub: ada.who.sub }, key };
    await depositKey(globex, gwen, kind === 'Group' ? group : person);
    const ask = () => askedAgain('sealed-key-deposit+jwt', sealedKeyDepositSchema);
    const policy = forbidding('seal-key', kind);
    await expectCode(
      createSealedKeyDeposits({ ...acme, policy }).answerPartner(await ask(), CONTEXT),
      'forbidden',
    );
    expect(await acme.sealedKeys.answerPartner(await ask(), CONTEXT)).toBeTruthy();
  });
});
