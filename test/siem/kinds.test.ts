import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { SINK_KINDS } from '../../connectors/siem/kinds.ts';
import { HTTP_SINKS } from './http-sinks.ts';

describe.each(SINK_KINDS)('the kind $kind', (kind) => {
  const schema = z.toJSONSchema(kind.settings, { io: 'input' });
  const members = Object.entries(schema.properties ?? {});

  it('says of each setting what it is', () => {
    const silent = members.filter(
      ([, member]) => typeof member !== 'object' || member.description === undefined,
    );
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  it('refuses settings that it does not know', () => {
    expect(schema.additionalProperties).toBe(false);
  });

  it('refuses settings of any other shape, with a fault for each', () => {
    const names = members.map(([name]) => name);
    const shapes = [null, 7, 'x', [], { toString: 1 }];
    const values = names.length === 0 ? [] : [null, -1, '', {}, [], '\u0000', 'x'.repeat(100_000)];
    const wrong = values.map((value) => Object.fromEntries(names.map((name) => [name, value])));
    for (const given of [...shapes, ...wrong]) expect(kind.settings.safeParse(given).success).toBe(false);
  });

  it('names as secrets only what it has, and everything that sounds like one', () => {
    const names = members.map(([name]) => name);
    expect(kind.secrets.filter((name) => !names.includes(name))).toEqual([]);
    const secretive = names.filter(
      (name) =>
        /secret|token|password|api_key|headers|private|^key$/.test(name) && !/^secret_?name/.test(name),
    );
    expect(secretive.filter((name) => !kind.secrets.includes(name))).toEqual([]);
  });

  it('says which settings decide where its secrets go, every address among them', () => {
    const names = members.map(([name]) => name);
    expect(kind.destinations.filter((name) => !names.includes(name))).toEqual([]);
    expect(kind.destinations.filter((name) => kind.secrets.includes(name))).toEqual([]);
    if (kind.secrets.length > 0) expect(kind.destinations).not.toEqual([]);
    const addresses = members.filter(
      ([name, member]) =>
        /^(url|port|site|region|bucket|endpoint|authority|path)$/.test(name) ||
        (typeof member === 'object' && member.format === 'uri'),
    );
    expect(addresses.map(([name]) => name).filter((name) => !kind.destinations.includes(name))).toEqual([]);
  });
});

describe('a sink over HTTP', () => {
  it.each(HTTP_SINKS)(
    'of $kind leads to https alone, without credentials in its address',
    (kind, settingsFor) => {
      expect(kind.settings.safeParse(settingsFor('https://siem.example.com')).success).toBe(true);
      for (const url of [
        'http://siem.example.com',
        'https://user:pass@siem.example.com',
        'file:///etc/passwd',
        'https://siem.example.com/#x',
        `https://siem.example.com/${'x'.repeat(3_000)}`,
        'siem.example.com',
      ]) {
        expect(kind.settings.safeParse(settingsFor(url)).success).toBe(false);
      }
    },
  );
});
