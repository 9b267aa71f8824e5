import { exportJWK, SignJWT } from 'jose';
import * as oauth from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import { DEVICE_SEEN_EVERY_S } from '../../bridge/lib/limits.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { type ClientApp, createClientApp, signInWith, type Tokens } from '../identity/client-app.ts';
import { ALICE, REDIRECT_URI, type SignInFixture, signInFixture } from '../identity/sign-in-fixture.ts';

let bridge: SignInFixture;

beforeAll(async () => {
  bridge = await signInFixture();
  await bridge.addDomain('acme.example');
  await bridge.connectOidc(['acme.example']);
  await bridge.apps.register({ id: 'meet', name: 'Acme Meet', redirectUris: [REDIRECT_URI] }, SYSTEM);
});

afterAll(() => bridge.remove());

async function signedIn(options: Parameters<typeof createClientApp>[2] = {}) {
  const app = await createClientApp(bridge.issuer, bridge.fetch, options);
  return { app, tokens: await signInWith(app, bridge.browser(), ALICE, ALICE.email) };
}

const statusOf = async (app: ClientApp, token: string) =>
  (await app.me(token).catch((error: { response: Response }) => error.response)).status;

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'not refused',
    (error: unknown) => (error instanceof oauth.ResponseBodyError ? error.error : String(error)),
  );

/** Refreshes with a proof that was made some seconds ago; answers the error, or 'none'. */
async function refreshWithProofOf(age: number, { app, tokens }: Awaited<ReturnType<typeof signedIn>>) {
  const url = app.configuration.serverMetadata().token_endpoint ?? '';
  const jwk = await exportJWK(app.keys.publicKey);
  const proof = await new SignJWT({ htm: 'POST', htu: url, jti: crypto.randomUUID() })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'Ed25519', jwk })
    .setIssuedAt(Math.floor(Date.now() / 1000) - age)
    .sign(app.keys.privateKey);
  const body = new URLSearchParams({
    ...{ grant_type: 'refresh_token', client_id: 'meet', refresh_token: tokens.refreshToken },
  });
  const headers = { dpop: proof, 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await bridge.fetch(url, { method: 'POST', headers, body: body.toString() });
  return ((await answer.json()) as { error?: string }).error ?? 'none';
}

describe('A DPoP proof at the token endpoint', () => {
  it('is refused if it is older than the bridge’s memory of used ones, which a restart empties', async () => {
    const session = await signedIn();
    // Fresh enough for the library, but from before this bridge started.
    expect(await refreshWithProofOf(240, session)).toBe('invalid_dpop_proof');
    expect(await refreshWithProofOf(0, session)).toBe('none');
  });
});

describe('An access token', () => {
  it('is bound to the device’s key, Ed25519 or ES256', async () => {
    for (const algorithm of ['Ed25519', 'ES256'] as const) {
      const { app, tokens } = await signedIn({ algorithm });
      expect(await statusOf(app, tokens.accessToken)).toBe(200);
    }
  });

  it('is of no use with another key', async () => {
    const { tokens } = await signedIn();
    const thief = await createClientApp(bridge.issuer, bridge.fetch);
    expect(await statusOf(thief, tokens.accessToken)).toBe(401);
    const bearer = await bridge.fetch(`${bridge.issuer}/v1/me`, {
      headers: { authorization: `Bearer ${tokens.accessToken}` },
    });
    expect(bearer.status).toBe(401);
  });

  it('says that the device is endorsed only while it is one of this person’s', async () => {
    const { app, tokens } = await signedIn();
    const { sub } = (await (await app.me(tokens.accessToken)).json()) as { sub: string };
    const keys = [
      { kty: 'EC', crv: 'recrypt-256', x: 'A'.repeat(43), y: 'A'.repeat(43) },
      { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) },
    ];
    const holder = () => bridge.authorizationServer.findHolder(tokens.accessToken, app.jkt);
    expect((await holder())?.endorsed).toBe(false);
    await bridge.database.transaction((tx) =>
      tx
        .insertInto('devices')
        .values({
          ...{ device_id: app.jkt, sub, label: 'laptop', keys: JSON.stringify(keys), endorsement: 'e' },
          ...{ key_version: 1, transform_key: new Uint8Array(1), generation: 0, added: 1, last_seen: 1 },
        })
        .execute(),
    );
    expect((await holder())?.endorsed).toBe(true);
    await bridge.database.transaction((tx) => tx.deleteFrom('devices').execute());
    expect((await holder())?.endorsed).toBe(false);
  });

  it('notes when its device was used, as it is refreshed, and not more than once an hour', async () => {
    const { app, tokens } = await signedIn();
    const { sub } = (await (await app.me(tokens.accessToken)).json()) as { sub: string };
    await bridge.database.transaction((tx) =>
      tx
        .insertInto('devices')
        .values({
          ...{ device_id: app.jkt, sub, label: 'laptop', keys: '{}', endorsement: 'e' },
          ...{ key_version: 1, transform_key: new Uint8Array(1), generation: 0, added: 1, last_seen: 1 },
        })
        .execute(),
    );
    const seen = () =>
      bridge.database.read((query) =>
        query.selectFrom('devices').select('last_seen').where('device_id', '=', app.jkt).executeTakeFirst(),
      );
    const before = Math.floor(bridge.clock.now() / 1000);
    const next = await app.refresh(tokens.refreshToken);
    const noted = (await seen())?.last_seen ?? 0;
    expect(noted).toBeGreaterThanOrEqual(before);
    const recent = noted - DEVICE_SEEN_EVERY_S + 600;
    await bridge.database.transaction((tx) => tx.updateTable('devices').set({ last_seen: recent }).execute());
    await app.refresh(next.refreshToken);
    expect(await seen()).toEqual({ last_seen: recent });
    await bridge.database.transaction((tx) => tx.deleteFrom('devices').execute());
  });

  it('dies with its device, in the transaction that removes it', async () => {
    const { app, tokens } = await signedIn();
    const other = await signedIn();
    await expect(
      bridge.database.transaction(async (tx) => {
        await bridge.authorizationServer.revokeDevice(tx, app.jkt);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await statusOf(app, tokens.accessToken)).toBe(200);
    const deleted = await bridge.database.transaction((tx) =>
      bridge.authorizationServer.revokeDevice(tx, app.jkt),
    );
    expect(deleted).toBeGreaterThanOrEqual(3);
    expect(await statusOf(app, tokens.accessToken)).toBe(401);
    expect(await refusal(app.refresh(tokens.refreshToken))).toBe('invalid_grant');
    expect(await statusOf(other.app, other.tokens.accessToken)).toBe(200);
  });

  it('dies with its person, and with its app', async () => {
    const { app, tokens } = await signedIn();
    const { sub } = (await (await app.me(tokens.accessToken)).json()) as { sub: string };
    await bridge.database.transaction((tx) => bridge.authorizationServer.revokePerson(tx, sub));
    expect(await statusOf(app, tokens.accessToken)).toBe(401);

    await bridge.apps.register({ id: 'other', name: 'Other', redirectUris: [REDIRECT_URI] }, SYSTEM);
    const second = await signedIn({ clientId: 'other' });
    expect(await statusOf(second.app, second.tokens.accessToken)).toBe(200);
    await bridge.apps.remove('other', SYSTEM);
    expect(await statusOf(second.app, second.tokens.accessToken)).toBe(401);
    expect(await refusal(second.app.refresh(second.tokens.refreshToken))).toBe('invalid_client');
  });

  it('dies with the connection that its person came through, in the transaction that disables it', async () => {
    const { app, tokens } = await signedIn();
    await bridge.connections.disable('acme-oidc', 'compromised', SYSTEM);
    expect(await statusOf(app, tokens.accessToken)).toBe(401);
    expect(await refusal(app.refresh(tokens.refreshToken))).toBe('invalid_grant');
    const last = (await bridge.eventsSoFar()).filter(({ type }) => type === 'token.revoked').at(-1);
    expect(last).toMatchObject({
      subject: { connection: 'acme-oidc' },
      data: { count: expect.any(Number), reason: 'the connection was disabled' },
    });
    await bridge.connections.activate('acme-oidc', SYSTEM);
    expect(await statusOf(app, tokens.accessToken)).toBe(401);
  });

  it('is of no use while its person is closed, even if nobody deleted it', async () => {
    const { app, tokens } = await signedIn();
    const { sub } = (await (await app.me(tokens.accessToken)).json()) as { sub: string };
    await bridge.database.transaction((tx) => restrictPerson(tx, sub, 'closed'));
    expect(await statusOf(app, tokens.accessToken)).toBe(401);
    expect(await refusal(app.refresh(tokens.refreshToken))).toBe('invalid_grant');
    await bridge.database.transaction((tx) => restrictPerson(tx, sub, 'active'));
  });

  it('without the scope of the API is none for it', async () => {
    const { app, tokens } = await signedIn({ scope: 'openid' });
    expect(await statusOf(app, tokens.accessToken)).toBe(401);
  });

  it('does not stand in the store, nor does a refresh token', async () => {
    const { tokens } = await signedIn();
    const rows = await bridge.database.read((query) =>
      query.selectFrom('oauth_records').selectAll().execute(),
    );
    const stored = JSON.stringify(rows);
    expect(rows.length).toBeGreaterThan(0);
    expect(stored).not.toContain(tokens.accessToken);
    expect(stored).not.toContain(tokens.refreshToken);
  });
});

describe('A refresh token', () => {
  it('is used once, and its second use ends the whole sign-in', async () => {
    const { app, tokens } = await signedIn();
    const renewed = await app.refresh(tokens.refreshToken);
    expect(renewed.refreshToken).not.toBe(tokens.refreshToken);
    expect(await statusOf(app, renewed.accessToken)).toBe(200);
    expect(await refusal(app.refresh(tokens.refreshToken))).toBe('invalid_grant');
    expect(await statusOf(app, renewed.accessToken)).toBe(401);
    expect(await refusal(app.refresh(renewed.refreshToken))).toBe('invalid_grant');
    const events = await bridge.eventsSoFar();
    expect(events.some(({ type, code }) => type === 'request.refused' && code === 'replayed')).toBe(true);
    expect(events.some(({ type }) => type === 'token.revoked')).toBe(true);
  });

  it('gives one set of tokens at most when it is used twice at once', async () => {
    const { app, tokens } = await signedIn();
    const results = await Promise.allSettled([
      app.refresh(tokens.refreshToken),
      app.refresh(tokens.refreshToken),
    ]);
    const good = results.filter(
      (result): result is PromiseFulfilledResult<Tokens> => result.status === 'fulfilled',
    );
    expect(good.length).toBeLessThanOrEqual(1);
    for (const { value } of good)
      expect(await refusal(app.refresh(value.refreshToken))).toBe('invalid_grant');
  });

  it('is of no use with another key', async () => {
    const { tokens } = await signedIn();
    const thief = await createClientApp(bridge.issuer, bridge.fetch);
    expect(await refusal(thief.refresh(tokens.refreshToken))).toBe('invalid_grant');
  });

  it('can be given back, and takes the access token with it', async () => {
    const { app, tokens } = await signedIn();
    await oauth.tokenRevocation(app.configuration, tokens.refreshToken);
    expect(await statusOf(app, tokens.accessToken)).toBe(401);
  });
});
