import type { ErrorCode } from '../../protocol/errors.ts';
import type { LookUpResult } from '../../protocol/look-up.ts';

/** What is answered about an address that we cannot or will not say anything about: our claim, with its code. */
export type RefuseResult = (address: string, code: ErrorCode, detail?: string) => LookUpResult;

/** Refusals by the bridge `iss`; `now` answers seconds. */
export function createRefuseResult(iss: string, now: () => number): RefuseResult {
  return (address, code, detail) => ({
    status: 'refused',
    address,
    source: 'own',
    iss,
    as_of: now(),
    code,
    ...(detail === undefined ? {} : { detail: detail.slice(0, 512) }),
  });
}
