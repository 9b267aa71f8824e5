import { describe, expect, it } from 'vitest';
import type * as z from 'zod/mini';
import {
  bytes,
  bytes32,
  compactJws,
  digest,
  displayText,
  domainName,
  entityId,
  id,
  seconds,
  signature,
} from '../../protocol/claims.ts';

const takes = (schema: z.ZodMiniType, value: unknown) => schema.safeParse(value).success;

describe('entity ids', () => {
  it.each(['https://bridge.acme.example', 'https://bridge.acme.example:8443', 'https://localhost:1'])(
    'take %s',
    (text) => {
      expect(takes(entityId, text)).toBe(true);
    },
  );

  it.each([
    ['plain http', 'http://bridge.acme.example'],
    ['a path', 'https://bridge.acme.example/x'],
    ['a trailing slash', 'https://bridge.acme.example/'],
    ['a query', 'https://bridge.acme.example?x'],
    ['user information', 'https://a@bridge.acme.example'],
    ['upper case', 'https://Bridge.acme.example'],
    ['the default port, a second form of the same origin', 'https://bridge.acme.example:443'],
    ['a port that does not exist', 'https://bridge.acme.example:99999'],
    ['an IPv4 address in another notation', 'https://127.1'],
    ['a Unicode host', 'https://bücher.example'],
    ['an empty label', 'https://bridge..acme.example:1:2'],
    ['255 characters', `https://${'a'.repeat(247)}`],
    ['a line feed', 'https://bridge.acme.example\n'],
  ])('refuse %s', (_, text) => {
    expect(takes(entityId, text)).toBe(false);
  });
});

it('takes an entity id of 254 characters: with its kind, a label of the log of 255 bytes', () => {
  expect(takes(entityId, `https://${'a'.repeat(246)}`)).toBe(true);
});

describe('members that recur', () => {
  it('refuse 32 bytes with bits that stand for nothing', () => {
    expect(takes(bytes32, 'A'.repeat(43))).toBe(true);
    expect(takes(bytes32, `${'A'.repeat(42)}B`)).toBe(false);
    expect(takes(bytes32, 'A'.repeat(44))).toBe(false);
  });

  it('refuse digests and signatures of other lengths', () => {
    expect(takes(digest, 'A'.repeat(43))).toBe(true);
    expect(takes(digest, 'A'.repeat(42))).toBe(false);
    expect(takes(signature, 'A'.repeat(86))).toBe(true);
    expect(takes(signature, 'A'.repeat(87))).toBe(false);
  });

  it('refuse times that are negative, fractions or texts', () => {
    expect(takes(seconds, 0)).toBe(true);
    for (const value of [-1, 0.5, '0', 2 ** 53, null]) expect(takes(seconds, value)).toBe(false);
  });

  it('refuse ids with other characters, empty, or of 65 characters', () => {
    expect(takes(id, 'a-B_9')).toBe(true);
    for (const value of ['', 'a b', 'a/b', 'é', 'a\n', 'a'.repeat(65)]) expect(takes(id, value)).toBe(false);
  });

  it('refuse compact JWS with other parts than three, or above 64 KiB', () => {
    expect(takes(compactJws, 'a.b.c')).toBe(true);
    for (const value of ['a.b', 'a..c', 'a.b.c.d', 'a.b.c=', `a.${'b'.repeat(65_536)}.c`])
      expect(takes(compactJws, value)).toBe(false);
  });

  it('refuse bytes above their limit', () => {
    expect(takes(bytes(3), 'AAAA')).toBe(true);
    expect(takes(bytes(3), 'AAAAAA')).toBe(false);
  });

  it('refuse domains that are not in their one form', () => {
    expect(takes(domainName, 'acme.example')).toBe(true);
    for (const value of ['ACME.example', 'acme', 'acme.example.', '\u212aelvin.example'])
      expect(takes(domainName, value)).toBe(false);
  });
});

describe('text that people are shown', () => {
  it.each(['Alice Example', 'Zoë d’Arc', '李小龍', 'علی\u200cرضا', '👩‍💻'])('takes %s', (text) => {
    expect(takes(displayText(64), text)).toBe(true);
  });

  it.each([
    ['a line feed', 'Alice\nSecurity team'],
    ['a right-to-left override', 'Alice \u202egnorts'],
    ['a directional isolate', 'Alice \u2066x'],
    ['a line separator', 'Alice\u2028x'],
    ['an escape character', 'Alice \u001b[2J'],
    ['a lone surrogate', 'Alice \ud800'],
    ['more than its length', 'a'.repeat(65)],
  ])('refuses %s', (_, text) => {
    expect(takes(displayText(64), text)).toBe(false);
  });
});
