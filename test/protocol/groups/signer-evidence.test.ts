import { beforeAll, describe, expect, it } from 'vitest';
import { signerEvidenceSchema, verifySignerEvidence } from '../../../protocol/groups/signer-evidence.ts';
import { codeOf } from '../codes.ts';
import { makeCompany } from '../company.ts';
import { type GroupFixture, makeGroup } from './group-fixture.ts';

let f: GroupFixture;

beforeAll(async () => {
  f = await makeGroup();
});

const refusal = async (changes: object) =>
  codeOf(async () => verifySignerEvidence(await f.evidence(changes), f.acme.context()));

describe('the evidence of a signer', () => {
  it('names the person by address and the device by its keys', async () => {
    const { address, device } = await verifySignerEvidence(await f.evidence(), f.acme.context());
    expect(address).toBe('alice@acme.example');
    expect(device).toEqual(f.acme.endorsementClaims());
  });

  it('is refused for another address than its credential’s', async () => {
    expect(await refusal({ address: 'bob@acme.example' })).toBe('claims_invalid');
  });

  it('is refused when the bridge alone has added the device', async () => {
    const device_binding = await f.acme.deviceBinding(await f.acme.endorsement({}, f.acme.keys.binding));
    expect(await refusal({ device_binding })).toBe('endorsement_mismatch');
  });

  it('is refused when the device is another person’s', async () => {
    const device_binding = await f.acme.deviceBinding(undefined, { sub: 'sub-mallory' });
    expect(await refusal({ device_binding })).toBe('endorsement_mismatch');
  });

  it('is refused under another company’s record', async () => {
    const globex = await makeCompany('globex');
    const evidence = await f.evidence();
    expect(await codeOf(() => verifySignerEvidence(evidence, globex.context()))).toBe('root_mismatch');
  });

  it('carries no attributes: they are told to one audience', async () => {
    const credential = await f.acme.credential(undefined, {
      attributes: await f.acme.attributes('somebody'),
    });
    const takes = async (changes: object) =>
      signerEvidenceSchema.safeParse(await f.evidence(changes)).success;
    expect(await takes({})).toBe(true);
    expect(await takes({ credential })).toBe(false);
  });
});
