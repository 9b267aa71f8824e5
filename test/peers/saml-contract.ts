import { expect, it } from 'vitest';
import {
  completeSaml,
  connectSaml,
  responseXml,
  type SamlConnection,
  visitSaml,
  withResponse,
} from './saml-sign-in.ts';

/** The part of a SAML message that an attacker would like to change. */
function changed(xml: string, from: string | RegExp, to: string): string {
  const result = xml.replace(from, to);
  expect(result).not.toBe(xml);
  return result;
}

/**
 * What must hold at every SAML identity provider. `connection` is one where assertions are signed and not encrypted,
 * `other` is a second service provider at the same peer; both are called once the peer has started.
 */
export function samlContract(connection: () => SamlConnection, other: () => SamlConnection): void {
  it('signs a person in', async () => {
    const started = Math.floor(Date.now() / 1000);
    const { peer } = connection();
    const identity = await completeSaml(await visitSaml(connection()));
    expect(identity).toMatchObject({
      issuer: peer.entityId,
      addresses: [peer.account.address],
      name: peer.account.name,
      signIn: { protocol: 'saml', amr: [] },
    });
    expect([...identity.groups].sort()).toEqual([...peer.account.groups].sort());
    expect(identity.signIn.authTime).toBeGreaterThanOrEqual(started - 1);
    expect(identity.assertionId).toMatch(/^_/);
    expect(identity.assertionExpires).toBeGreaterThan(started);
    expect(identity.evidence).toContain(identity.subject);
  });

  it('knows a person again by the same subject', async () => {
    const first = await completeSaml(await visitSaml(connection()));
    const second = await completeSaml(await visitSaml(connection()));
    expect(second.subject).toBe(first.subject);
    expect(second.assertionId).not.toBe(first.assertionId);
  });

  it('signs in with a fresh authentication when asked for one', async () => {
    const identity = await completeSaml(await visitSaml(connection(), { login: { fresh: true } }));
    expect(identity.addresses).toEqual([connection().peer.account.address]);
  });

  it('finds its entity id and its certificate in a probe', async () => {
    const probe = await connectSaml(connection()).probe();
    expect(probe.issuer).toBe(connection().peer.entityId);
    expect(probe.keys.length).toBeGreaterThan(0);
  });

  it('does not sign in with a wrong password', async () => {
    const { page } = await visitSaml(connection(), { password: 'wrong' });
    expect(page.stopped).toBe(false);
  });

  it('refuses a response that is replayed into another sign-in', async () => {
    const [earlier, later] = [await visitSaml(connection()), await visitSaml(connection())];
    await completeSaml(earlier);
    const replayed = withResponse(later, responseXml(earlier));
    await expect(completeSaml(replayed)).rejects.toMatchObject({ code: 'saml_in_response_to' });
  });

  it('refuses a response that was sent to another service provider', async () => {
    const stolen = await visitSaml(other());
    const carried = { ...stolen, connection: connection() };
    await expect(completeSaml(carried)).rejects.toMatchObject({ code: 'saml_destination' });
  });

  it('refuses a changed address', async () => {
    const visit = await visitSaml(connection());
    const forged = changed(responseXml(visit), visit.connection.peer.account.address, 'mallory@example.com');
    await expect(completeSaml(withResponse(visit, forged))).rejects.toMatchObject({ code: 'saml_signature' });
  });

  it('refuses an assertion whose signature was cut out', async () => {
    const visit = await visitSaml(connection());
    const assertionSignature = /(<saml:Assertion\b[\s\S]*?)<(?:ds:)?Signature\b[\s\S]*?<\/(?:ds:)?Signature>/;
    const cut = changed(responseXml(visit), assertionSignature, '$1');
    await expect(completeSaml(withResponse(visit, cut))).rejects.toMatchObject({ code: 'saml_unsigned' });
  });

  it('refuses a response from the moment that its id need not be remembered any more', async () => {
    const visit = await visitSaml(connection());
    const { assertionExpires } = await completeSaml(visit);
    const clock = { now: () => assertionExpires * 1000 };
    await expect(completeSaml(visit, clock)).rejects.toMatchObject({ code: 'saml_expired' });
  });
}
