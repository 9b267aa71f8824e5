import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { type SignInFixture, signInFixture } from '../identity/sign-in-fixture.ts';

let bridge: SignInFixture;
beforeAll(async () => {
  bridge = await signInFixture();
  await bridge.apps.register({ id: 'rooms', name: 'Rooms', kind: 'room', redirectUris: [] }, SYSTEM);
});
afterAll(() => bridge.remove());

describe('the approval of a room', () => {
  it('leaves nothing to the device where its event cannot be stored', async () => {
    const asked = await bridge.fetch(`${bridge.issuer}/oauth/device-authorization`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'rooms', scope: 'countersign' }),
    });
    const { user_code: userCode } = (await asked.json()) as { user_code: string };
    const { deviceCodes } = bridge.authorizationServer;
    const pending = await deviceCodes.find(userCode);
    const signedIn = {
      ...{ sub: 'p-room', connectionId: 'rooms-idp', interaction: 'i' },
      signIn: { protocol: 'oidc', acr: null, amr: [], authTime: null },
    };
    const approved = deviceCodes.approve(pending?.userCode ?? '', signedIn as never, async () => {
      throw new Error('the event cannot be stored');
    });
    await expect(approved).rejects.toThrow('the event cannot be stored');
    const grants = await bridge.database.read((query) =>
      query.selectFrom('oauth_grants').select('grant_id').execute(),
    );
    expect(grants).toEqual([]);
    // Nobody has decided, as far as the device can tell: it waits until its code is over.
    expect(await deviceCodes.find(userCode)).toMatchObject({ app: { id: 'rooms' } });
  });
});
