import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addressesOf, findAddress, releaseAddresses } from '../../bridge/directory/addresses.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import { countAddresses } from '../../bridge/identity/asserted-addresses.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import type { Page } from '../fakes/headless-browser.ts';
import type { OidcPerson } from '../fakes/oidc-idp/oidc-idp.ts';
import { createClientApp, signInWith } from './client-app.ts';
import { expectRefused } from './expect-refused.ts';
import { ALICE, REDIRECT_URI, type SignInFixture, signInFixture } from './sign-in-fixture.ts';

const people: OidcPerson[] = [];
let bridge: SignInFixture;

beforeAll(async () => {
  bridge = await signInFixture({ oidcPeople: people });
  for (const domain of ['acme.example', 'guests.example', 'shared.example']) await bridge.addDomain(domain);
  await bridge.connectOidc(['acme.example', 'shared.example']);
  await bridge.connectOidc(['guests.example', 'shared.example'], 'second-oidc', 'guest');
  await bridge.apps.register({ id: 'meet', name: 'Acme Meet', redirectUris: [REDIRECT_URI] }, SYSTEM);
});

afterEach(() => {
  people.length = 0;
});

afterAll(() => bridge.remove());

function somebody(sub: string, email: string): OidcPerson {
  const person = { ...ALICE, username: sub, sub, email };
  people.push(person);
  return person;
}

/** Signs in through the connection of the hint's domain, choosing where there are several. */
async function attempt(person: OidcPerson, hint: string, choose?: string): Promise<Page> {
  const app = await createClientApp(bridge.issuer, bridge.fetch);
  const browser = bridge.browser();
  let page = await browser.open((await app.begin(hint)).url);
  const form = page.forms[0];
  if (choose !== undefined && form !== undefined)
    page = await browser.submit(page, form, { connection: choose });
  return browser.signIn(page, person.username, person.password);
}

async function holderOf(person: OidcPerson, hint = person.email) {
  const app = await createClientApp(bridge.issuer, bridge.fetch);
  const { accessToken } = await signInWith(app, bridge.browser(), person, hint);
  return (await app.me(accessToken)).json() as Promise<{ sub: string; assurance: string }>;
}

describe('An asserted address', () => {
  const domains = ['acme.example', 'xn--bcher-kva.example'];
  const counts = (...asserted: string[]) =>
    countAddresses(asserted, domains).counted.map(({ address }) => address);

  it('counts on a domain of the connection, in lower case and once', () => {
    expect(counts('Alice@ACME.example', 'alice@acme.example', 'a.b+tag@acme.example')).toEqual([
      'alice@acme.example',
      'a.b+tag@acme.example',
    ]);
  });

  it.each([
    ['a subdomain', 'alice@mail.acme.example'],
    ['the parent domain', 'alice@example'],
    ['a trailing dot', 'alice@acme.example.'],
    ['a domain that ends the same', 'alice@notacme.example'],
    ['another domain', 'alice@evil.example'],
    ['two at signs', 'alice@acme.example@evil.example'],
    ['a quoted local part', '"alice"@acme.example'],
    ['a space', 'alice @acme.example'],
    ['a line break', 'alice@acme.example\n'],
    ['a Kelvin sign for a k', '\u212a@acme.example'],
    ['a Turkish dotless i', 'al\u0131ce@acme.example'],
    ['a Turkish dotted I', 'al\u0130ce@acme.example'],
    ['a full-width letter', '\uff41lice@acme.example'],
    ['a Cyrillic look-alike in the domain', 'alice@\u0430cme.example'],
    ['a domain that is not in A-label form', 'alice@bücher.example'],
    ['a soft hyphen', 'al\u00adice@acme.example'],
    ['nothing', ''],
  ])('does not count with %s', (_what, address) => {
    expect(countAddresses([address], domains)).toEqual({ counted: [], dropped: [address] });
  });
});

describe('A sign-in', () => {
  it('by an IdP that asserts a domain that is not its connection’s has no address', async () => {
    const person = somebody('p-foreign', 'boss@acme.example');
    const page = await attempt(person, 'x@guests.example');
    const trace = await expectRefused(bridge, page, 'no_address');
    expect(trace.connectionId).not.toBeNull();
    expect(trace.detail).toBe(
      'The address that was sent is on acme.example. This connection may assert addresses on guests.example, shared.example.',
    );
    expect(await bridge.database.read((query) => findAddress(query, 'boss@acme.example'))).toBeUndefined();
  });

  it('makes the same person of the same upstream subject, and notes a new address beside the old', async () => {
    const person = somebody('p-rename', 'old@acme.example');
    const before = await holderOf(person);
    people[0] = { ...person, email: 'new@acme.example' };
    const after = await holderOf(people[0]);
    expect(after.sub).toBe(before.sub);
    const held = await bridge.database.read((query) => addressesOf(query, before.sub));
    expect(held.map(({ address, is_primary }) => [address, is_primary])).toEqual([
      ['old@acme.example', 1],
      ['new@acme.example', 0],
    ]);
  });

  it('makes another person of another subject, who cannot have the address of the first', async () => {
    await holderOf(somebody('p-first', 'same@acme.example'));
    const page = await attempt(somebody('p-second', 'same@acme.example'), 'same@acme.example');
    await expectRefused(bridge, page, 'address_taken');
  });

  it('through another connection of the same domain cannot take an address over', async () => {
    const person = somebody('p-both', 'both@shared.example');
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const browser = bridge.browser();
    const choice = await browser.open((await app.begin(person.email)).url);
    expect(choice.html).toContain('OIDC acme-oidc');
    expect(choice.html).toContain('OIDC second-oidc');
    expect((await attempt(person, person.email, 'acme-oidc')).stopped).toBe(true);
    await expectRefused(bridge, await attempt(person, person.email, 'second-oidc'), 'address_taken');
  });

  it('through a guest connection makes a guest', async () => {
    const person = somebody('p-guest', 'visitor@guests.example');
    expect(await holderOf(person)).toMatchObject({ assurance: 'guest' });
  });

  it('of a closed person is refused, and their freed address can go to somebody else', async () => {
    const person = somebody('p-closed', 'leaver@acme.example');
    const { sub } = await holderOf(person);
    await bridge.database.transaction(async (tx) => {
      await restrictPerson(tx, sub, 'closed');
      await releaseAddresses(tx, sub);
    });
    await expectRefused(bridge, await attempt(person, person.email), 'person_closed');
    const next = await holderOf(somebody('p-successor', 'leaver@acme.example'));
    expect(next.sub).not.toBe(sub);
  });

  it('is not possible while the connection is disabled, not even to finish', async () => {
    const person = somebody('p-late', 'late@acme.example');
    const app = await createClientApp(bridge.issuer, bridge.fetch);
    const browser = bridge.browser();
    const idp = await browser.open((await app.begin(person.email)).url);
    await bridge.connections.disable('acme-oidc', 'a test', SYSTEM);
    const page = await browser.signIn(idp, person.username, person.password);
    const fresh = await browser.open((await app.begin(person.email)).url);
    await bridge.connections.activate('acme-oidc', SYSTEM);
    await expectRefused(bridge, page, 'connection_inactive');
    expect(fresh.html).toContain('No sign-in is set up for this address');
  });
});
