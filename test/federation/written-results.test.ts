import { describe, expect, it } from 'vitest';
import { createWrittenResults } from '../../bridge/federation/written-results.ts';
import { type JsonParts, WrittenJson } from '../../bridge/signer/written-json.ts';
import type { Credential } from '../../protocol/credential.ts';
import type { LookUpResult } from '../../protocol/look-up.ts';

const CREDENTIAL: Credential = {
  binding: 'b.b.b',
  online_keys: 'k.k.k',
  log_proof: 'proof',
  attributes: 'a.a.a',
};

function resultOf(credential: Credential, source: 'own' | 'partner' = 'own'): LookUpResult {
  const head = { address: 'bob@acme.example', source, iss: 'https://bridge.acme.example', as_of: 7 };
  return { status: 'credential', ...head, credential };
}

/** What the parts say. */
function read(parts: JsonParts): unknown {
  const texts = parts.map((part) =>
    part instanceof WrittenJson ? Buffer.from(part.base64url.toString(), 'base64url').toString() : part,
  );
  return JSON.parse(texts.join(''));
}

function writtenPart(parts: JsonParts): WrittenJson | undefined {
  return parts.find((part) => part instanceof WrittenJson);
}

describe('Results as a signed answer carries them', () => {
  it('say what the results say', () => {
    const write = createWrittenResults();
    const head = { address: 'a"b', source: 'own', iss: 'https://bridge.acme.example', as_of: 7 } as const;
    const { attributes: _, ...untold } = CREDENTIAL;
    const results: LookUpResult[] = [
      resultOf(CREDENTIAL),
      resultOf(untold),
      resultOf({ binding: 'b.b.b', online_keys: 'k.k.k' }),
      resultOf(CREDENTIAL, 'partner'),
      { status: 'not_found', ...head },
      { status: 'refused', ...head, code: 'internal' },
    ];
    expect(results.map((result) => read(write(result)))).toEqual(results);
  });

  it('write what of a credential is for everybody once, whoever is told which attributes', () => {
    const write = createWrittenResults();
    const first = writtenPart(write(resultOf(CREDENTIAL)));
    expect(first).toBeDefined();
    expect(writtenPart(write(resultOf({ ...CREDENTIAL, attributes: 'for.some.body' })))).toBe(first);
  });

  it('write it again when a token or proof of it is another one', () => {
    const write = createWrittenResults();
    write(resultOf(CREDENTIAL));
    const changes: Partial<Credential>[] = [
      { binding: 'other.b.b' },
      { online_keys: 'other.k.k' },
      { log_proof: 'other proof' },
      { rotations: [] },
    ];
    for (const change of changes) {
      const changed = resultOf({ ...CREDENTIAL, ...change });
      expect(read(write(changed))).toEqual(changed);
      expect(read(write(resultOf(CREDENTIAL)))).toEqual(resultOf(CREDENTIAL));
    }
  });

  it('are kept in no more room than there is', () => {
    const write = createWrittenResults(500);
    const credentials = Array.from({ length: 20 }, (_, index) => ({
      ...CREDENTIAL,
      binding: `b${index}.b.b`,
    }));
    const firsts = credentials.map((credential) => writtenPart(write(resultOf(credential))));
    const again = credentials.map((credential) => writtenPart(write(resultOf(credential))));
    const kept = (from: number) => again.slice(from).filter((part, index) => part === firsts[from + index]);
    expect(kept(0).length).toBe(0);
    const last = credentials.at(-1);
    if (last === undefined) throw new Error('there are credentials');
    expect(writtenPart(write(resultOf(last)))).toBe(again.at(-1));
  });
});
