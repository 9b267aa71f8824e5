import { afterEach, describe, expect, it } from 'vitest';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { type FederationFixture, federationFixture } from './federation-fixture.ts';

let fixture: FederationFixture;

afterEach(() => fixture.close());

const NOBODY_AT_GLOBEX = `
@id("nobody-at-globex")
@reason("Nobody looks people of Globex up.")
forbid (principal, action == Countersign::Action::"find", resource is Countersign::Address)
when { resource.domain == "globex.example" };
`;

const forbidding = (content: PolicyContent): PolicyContent => ({
  ...content,
  policies: { ...content.policies, 'globex.cedar': NOBODY_AT_GLOBEX },
});

describe('people of a partner whom policy does not let our own find', () => {
  it('are refused openly, and the partner is not asked: that tells nothing of who is there', async () => {
    fixture = await federationFixture({ policy: { change: forbidding } });
    await fixture.approveGlobex();
    const { results } = await fixture.lookUp(['gwen@globex.example', 'nobody@globex.example']);
    expect(results).toMatchObject([
      { address: 'gwen@globex.example', status: 'refused', source: 'own', code: 'forbidden' },
      { address: 'nobody@globex.example', status: 'refused', source: 'own', code: 'forbidden' },
    ]);
    expect(fixture.globex.requests).toEqual([]);
  });

  it('are found again where nothing forbids it', async () => {
    fixture = await federationFixture();
    await fixture.approveGlobex();
    await fixture.lookUp(['gwen@globex.example']);
    expect(fixture.globex.requests).toHaveLength(1);
  });
});
