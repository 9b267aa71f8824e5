import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IdentityConnector, LoginCallback } from '../../connectors/identity/connector.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { codeOf } from '../protocol/codes.ts';

/** A connector, and the one person at its identity provider. */
export interface ConnectorFixture {
  readonly connector: IdentityConnector;
  /** As the provider calls itself. */
  readonly issuer: string;
  readonly subject: string;
  /** What the browser brings back from `url` after the person signed in there. */
  signIn(url: string): Promise<LoginCallback>;
  /** The same, where the provider says no. */
  beRefused(url: string): Promise<LoginCallback>;
  /** The caller's handle in what the browser brought back. */
  handleIn(callback: LoginCallback): string | null | undefined;
  /** How a callback of the other protocol is refused. */
  readonly otherProtocol: ErrorCode;
  /** How a callback is refused that does not belong to the pending sign-in. */
  readonly otherSignIn: ErrorCode;
  close(): Promise<void>;
}

const CALLBACKS: Record<LoginCallback['protocol'], LoginCallback> = {
  oidc: { protocol: 'oidc', url: 'https://bridge.example/callback?code=c&state=handle-1' },
  saml: { protocol: 'saml', form: { SAMLResponse: 'PHg+', RelayState: 'handle-1' } },
};

/** What every implementation of the IdentityConnector port does. */
export function describeIdentityConnector(name: string, open: () => Promise<ConnectorFixture>): void {
  describe(`IdentityConnector: ${name}`, () => {
    let fixture: ConnectorFixture;
    let connector: IdentityConnector;

    beforeAll(async () => {
      fixture = await open();
      connector = fixture.connector;
    });

    afterAll(() => fixture.close());

    it('begins with an https URL, and a memory that is text alone', async () => {
      const { url, pending } = await connector.begin({ handle: 'handle-1' });
      expect(new URL(url).protocol).toBe('https:');
      expect(Object.values(pending).every((value) => typeof value === 'string')).toBe(true);
      expect(JSON.parse(JSON.stringify(pending))).toEqual(pending);
    });

    it('asks for something else each time', async () => {
      const first = await connector.begin({ handle: 'handle-1' });
      const second = await connector.begin({ handle: 'handle-1' });
      expect(second.url).not.toBe(first.url);
      expect(second.pending).not.toEqual(first.pending);
    });

    it('answers who signed in, with the handle coming back', async () => {
      const { url, pending } = await connector.begin({ handle: 'handle-of-this-sign-in' });
      const callback = await fixture.signIn(url);
      expect(fixture.handleIn(callback)).toBe('handle-of-this-sign-in');
      const identity = await connector.complete(callback, JSON.parse(JSON.stringify(pending)));
      expect(identity).toMatchObject({
        ...{ issuer: fixture.issuer, subject: fixture.subject },
        signIn: { protocol: connector.protocol },
      });
      expect(identity.evidence.length).toBeGreaterThan(0);
      expect(identity.assertionExpires).toBeGreaterThan(Date.now() / 1000);
    });

    it('refuses what belongs to another sign-in, and what belongs to none', async () => {
      const { url } = await connector.begin({ handle: 'handle-1' });
      const other = await connector.begin({ handle: 'handle-2' });
      const callback = await fixture.signIn(url);
      expect(await codeOf(() => connector.complete(callback, other.pending))).toBe(fixture.otherSignIn);
      expect(await codeOf(() => connector.complete(callback, {}))).toBe(fixture.otherSignIn);
    });

    it('refuses a callback of the other protocol', async () => {
      const { pending } = await connector.begin({ handle: 'handle-1' });
      const other = connector.protocol === 'oidc' ? CALLBACKS.saml : CALLBACKS.oidc;
      expect(await codeOf(() => connector.complete(other, pending))).toBe(fixture.otherProtocol);
    });

    it('says so where the provider itself said no', async () => {
      const { url, pending } = await connector.begin({ handle: 'handle-1' });
      const callback = await fixture.beRefused(url);
      expect(await codeOf(() => connector.complete(callback, pending))).toBe('upstream_refused');
    });

    it('names the provider and the keys that it signs with', async () => {
      const { issuer, keys } = await connector.probe();
      expect(issuer).toBe(fixture.issuer);
      expect(keys.length).toBeGreaterThan(0);
      for (const { id, expires } of keys) {
        expect(id).not.toBe('');
        expect(expires ?? Number.POSITIVE_INFINITY).toBeGreaterThan(Date.now() / 1000);
      }
    });
  });
}
