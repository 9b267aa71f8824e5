import { parseAddress } from '../protocol/address.ts';
import { utf8 } from '../protocol/bytes.ts';
import type { Credential, VerifiedCredential } from '../protocol/credential.ts';
import { CountersignError, isCountersignError, parseErrorCode } from '../protocol/errors.ts';
import { sha256Base64url } from '../protocol/hash.ts';
import { identityAttributesSchema } from '../protocol/identity-attributes.ts';
import { CLOCK_SKEW, decodeClaims } from '../protocol/jws.ts';
import {
  LOOK_UP_ADDRESSES,
  type LookUpBody,
  type LookUpResponse,
  type LookUpResult,
  verifyLookUpResponse,
} from '../protocol/look-up.ts';
import type { OnlineKeys } from '../protocol/online-keys.ts';
import type { Answer, RejectedAnswer } from './answers.ts';
import type { ClientContext } from './context.ts';
import { pinnedIssuer, pinRecords, type RecordFaults } from './issuer-records.ts';
import { judgeCredential, judgeRevocation } from './judge.ts';
import { type ClientParts, currentDevice } from './own-account.ts';
import { createPinDraft, type PinDraft } from './pin-draft.ts';
import { randomId } from './random-id.ts';

/** How old, seconds, an answer may be where the caller does not say. */
const DEFAULT_MAX_AGE = 60;

/** `maxAge` in seconds. `onVerified` is told of each credential that was verified and is the pinned one. */
export interface LookUpOptions {
  readonly maxAge?: number;
  readonly onVerified?: (credential: Credential, verified: VerifiedCredential) => void;
}

/**
 * Looks addresses up and verifies each answer by itself (PROTOCOL §5, §6): one that fails is `rejected` and spoils no
 * other. What concerns the whole response (its signature, whom and what it answers) is thrown.
 */
export async function lookUp(
  parts: ClientParts,
  addresses: readonly string[],
  { maxAge = DEFAULT_MAX_AGE, onVerified }: LookUpOptions = {},
): Promise<Answer[]> {
  const asked = addresses.map(parseOrReject);
  const unique = [...new Set(asked.filter((each) => typeof each === 'string'))];
  const answers = new Map<string, Answer>();
  for (let start = 0; start < unique.length; start += LOOK_UP_ADDRESSES) {
    const batch = unique.slice(start, start + LOOK_UP_ADDRESSES);
    for (const answer of await lookUpBatch(parts, batch, { maxAge, onVerified }))
      answers.set(answer.address, answer);
  }
  return asked.map((each) => (typeof each === 'string' ? answerFor(answers, each) : each));
}

function parseOrReject(text: string): string | RejectedAnswer {
  try {
    return parseAddress(text).address;
  } catch (error) {
    return rejected(text, error);
  }
}

function answerFor(answers: ReadonlyMap<string, Answer>, address: string): Answer {
  const answer = answers.get(address);
  if (answer === undefined) throw new CountersignError('internal');
  return answer;
}

async function lookUpBatch(
  parts: ClientParts,
  addresses: string[],
  { maxAge, onVerified }: Pick<Asker, 'maxAge' | 'onVerified'>,
): Promise<Answer[]> {
  const { context, api, ownKeys } = parts;
  const device = await currentDevice(context);
  const body: LookUpBody = { request_id: randomId(), addresses, max_age: maxAge };
  const text = JSON.stringify(body);
  const token = await api.send('POST', '/v1/lookups', text);
  const asked = {
    aud: device.id,
    jti: body.request_id,
    requestHash: sha256Base64url(utf8(text)),
    addresses,
  };
  return ownKeys.verifying(async (own, fresh) => {
    const response = await verifyLookUpResponse(token.trim(), own, asked, context.now());
    return judgeResponse(context, { own, fresh }, response, { deviceId: device.id, maxAge, onVerified });
  });
}

interface Asker {
  readonly deviceId: string;
  readonly maxAge: number;
  readonly onVerified: LookUpOptions['onVerified'] | undefined;
}

function judgeResponse(
  context: ClientContext,
  signer: { own: OnlineKeys; fresh: boolean },
  response: LookUpResponse,
  asker: Asker,
): Promise<Answer[]> {
  return context.pins.update(async (pins) => {
    const draft = createPinDraft(pins);
    const faults = await pinRecords(draft, response.records ?? [], signer, context.now());
    const answers: Answer[] = [];
    for (const result of response.results) {
      answers.push(await judgeOrReject(context, draft, faults, result, asker));
    }
    return { pins: draft.pins(), result: answers };
  });
}

async function judgeOrReject(
  context: ClientContext,
  draft: PinDraft,
  faults: RecordFaults,
  result: LookUpResult,
  asker: Asker,
): Promise<Answer> {
  try {
    return await judgeResult(context, draft, faults, result, asker);
  } catch (error) {
    return rejected(result.address, error);
  }
}

async function judgeResult(
  context: ClientContext,
  draft: PinDraft,
  faults: RecordFaults,
  result: LookUpResult,
  asker: Asker,
): Promise<Answer> {
  const { address, source } = result;
  switch (result.status) {
    case 'refused': {
      const code = parseErrorCode(result.code) ?? 'bridge_invalid';
      return { status: 'refused', address, source, code, detail: result.detail ?? null };
    }
    case 'not_found':
    case 'revoked_pending':
      return { status: result.status, address, source };
    case 'revoked': {
      const issuer = issuerOf(context, draft, faults, result);
      const { revocation, as_of: asOf } = result;
      return judgeRevocation(context, draft, { address, revocation, issuer, asOf });
    }
    case 'credential': {
      const issuer = issuerOf(context, draft, faults, result);
      assertFresh(result.as_of, asker.maxAge, context.now());
      const { credential } = result;
      const audience = audienceOf(credential, [asker.deviceId, context.issuer]);
      const shown = { address, credential, issuer, audience, asOf: result.as_of };
      const { answer, verified } = await judgeCredential(context, draft, shown);
      if (answer.status === 'verified') asker.onVerified?.(credential, verified);
      return answer;
    }
  }
}

function issuerOf(context: ClientContext, draft: PinDraft, faults: RecordFaults, result: LookUpResult) {
  const { iss, address } = result;
  const fault = faults.get(iss);
  if (fault !== undefined) throw fault;
  return pinnedIssuer(draft, iss, address, context.now());
}

/** A bridge that answers from a cache older than was asked for would hide a revocation. */
function assertFresh(asOf: number, maxAge: number, now: number): void {
  if (asOf < now - maxAge - CLOCK_SKEW) {
    throw new CountersignError('credential_too_old', `the answer is ${now - asOf} s old`);
  }
}

/**
 * A partner addresses attributes to our bridge, our own bridge to this device. Which one is claimed is read before it
 * is verified; for anybody else they do not verify.
 */
function audienceOf(credential: Credential, ours: readonly [string, string]): string | null {
  if (credential.attributes === undefined) return null;
  const { aud } = decodeClaims(credential.attributes, 'identity-attributes+jwt', identityAttributesSchema);
  return ours.find((each) => each === aud) ?? ours[0];
}

function rejected(address: string, error: unknown): RejectedAnswer {
  if (!isCountersignError(error)) throw error;
  return { status: 'rejected', address, code: error.code, error };
}
