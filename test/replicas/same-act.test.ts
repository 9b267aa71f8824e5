import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { startTwoReplicas, type TwoReplicas } from './two-replicas.ts';

let two: TwoReplicas;
let token: string;

beforeAll(async () => {
  two = await startTwoReplicas(['ada']);
  const { url } = await two.bridge.running.services.administrators.createLink();
  const claimed = { token: new URL(url).hash.slice(1), name: 'Ada' };
  const made = await ask(two.here.fetch, '/admin/v1/bootstrap', claimed);
  ({ token } = (await made.json()) as { token: string });
});
afterAll(() => two?.close());

function ask(through: typeof fetch, path: string, body: object, method = 'POST'): Promise<Response> {
  return through(two.bridge.issuer + path, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
}

async function answerTo(through: typeof fetch, path: string, body: object): Promise<string> {
  const response = await ask(through, path, body);
  const { code = '' } = (await response.json()) as { code?: string };
  return `${response.status} ${code}`;
}

const key = await generateSigningKey(false);

const racers = () => [two.here, two.there, two.here, two.there, two.here, two.there];

describe('the same act, asked of both at once', () => {
  it.each([
    ['an app', '/admin/v1/apps', { id: 'twice', name: 'Twice', redirectUris: ['https://twice.example/'] }],
    [
      'a connection',
      '/admin/v1/connections',
      {
        ...{ id: 'twice', name: 'Twice', protocol: 'oidc', domains: ['acme.example'] },
        settings: {
          ...{ issuer: 'https://idp.example', clientId: 'countersign' },
          authentication: { method: 'client_secret_post', secret: 'a secret' },
        },
      },
    ],
    [
      'a service',
      '/admin/v1/services',
      { name: 'Bot', assurance: 'bot', address: 'bot@acme.example', jwks: { keys: [key.publicKey] } },
    ],
    [
      'a sink',
      '/admin/v1/sinks',
      {
        ...{ name: 'twice', kind: 'webhook' },
        settings: { url: 'https://hooks.example', secret: `whsec_${'A'.repeat(43)}=` },
      },
    ],
  ])('is done once: %s', async (_what, path, body) => {
    const answers = await Promise.all(racers().map((at) => answerTo(at.fetch, path, body)));
    const later = await answerTo(two.there.fetch, path, body);
    expect(later).toMatch(/^4\d\d /);
    expect(answers.toSorted()).toEqual(['201 ', ...answers.slice(1).map(() => later)]);
  });

  it('is done once, and answered to all alike, where asking again changes nothing: a domain', async () => {
    const body = { domain: 'twice.example' };
    const asked = racers().map(async (at) => (await ask(at.fetch, '/admin/v1/domains', body)).text());
    const [first, ...others] = await Promise.all(asked);
    expect(first).toContain('countersign-domain-verification=');
    expect(others).toEqual(others.map(() => first));
    const added = (await two.bridge.events()).filter(
      ({ type, subject }) => type === 'domain.added' && subject.domain === body.domain,
    );
    expect(added).toHaveLength(1);
  });
});
