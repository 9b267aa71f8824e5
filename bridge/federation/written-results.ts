import type { Credential } from '../../protocol/credential.ts';
import type { LookUpResult } from '../../protocol/look-up.ts';
import { WRITTEN_CREDENTIALS_BYTES, WRITTEN_RECORDS } from '../lib/limits.ts';
import { type JsonParts, WrittenJson } from '../signer/written-json.ts';

/** What of a credential is the same for whoever asks. */
type Shared = Omit<Credential, 'attributes'>;

interface Kept {
  readonly shared: Shared;
  readonly written: WrittenJson;
}

/**
 * Writes results as they stand in a signed answer. Of a credential of our own, what is the same for whoever asks is
 * written once, and again as soon as any token, proof or rotation in it is another one.
 */
export function createWrittenResults(room = WRITTEN_CREDENTIALS_BYTES): (result: LookUpResult) => JsonParts {
  const kept = new Map<string, Kept>();
  let size = 0;

  function forget(binding: string, { written }: Kept): void {
    kept.delete(binding);
    size -= written.base64url.length;
  }

  /** The end of a result, from the first member of its credential that is not the asker's own. */
  function writeShared(credential: Credential): WrittenJson {
    const { binding, online_keys, log_proof, rotations } = credential;
    const known = kept.get(binding);
    if (known !== undefined && isSame(known.shared, credential)) return known.written;
    if (known !== undefined) forget(binding, known);
    const shared = { binding, online_keys, log_proof, rotations };
    const written = new WrittenJson(`${JSON.stringify(shared).slice(1)}}`);
    kept.set(binding, { shared, written });
    size += written.base64url.length;
    for (const [oldest, entry] of kept) {
      if (size <= room) break;
      forget(oldest, entry);
    }
    return written;
  }

  return (result) => {
    // Those of partners are read anew each time, so nothing of them would be found again.
    if (result.status !== 'credential' || result.source !== 'own') return [JSON.stringify(result)];
    const { status, address, source, iss, as_of, credential } = result;
    const head = JSON.stringify({ status, address, source, iss, as_of });
    const attributes = credential.attributes === undefined ? '' : `"attributes":"${credential.attributes}",`;
    return [`${head.slice(0, -1)},"credential":{${attributes}`, writeShared(credential)];
  };
}

function isSame(shared: Shared, credential: Credential): boolean {
  return (
    shared.online_keys === credential.online_keys &&
    shared.log_proof === credential.log_proof &&
    shared.rotations === credential.rotations
  );
}

/** Writes records as they stand in a signed answer: one stands in all answers until it is renewed. */
export function createWrittenRecords(room = WRITTEN_RECORDS): (token: string) => JsonParts {
  const kept = new Map<string, JsonParts>();
  return (token) => {
    const known = kept.get(token);
    if (known !== undefined) return known;
    if (kept.size >= room) kept.clear();
    const written = [new WrittenJson(JSON.stringify(token))];
    kept.set(token, written);
    return written;
  };
}
