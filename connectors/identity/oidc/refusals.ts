import * as client from 'openid-client';
import { URL_LENGTH } from '../../../bridge/lib/limits.ts';
import { CountersignError, type ErrorCode } from '../../../protocol/errors.ts';

/** Which exchange with the IdP failed: the library's errors mean different things in each. */
export type Exchange = 'token' | 'userinfo';

/** The first error of our own among `error` and its causes. */
export function ownErrorIn(error: unknown): CountersignError | undefined {
  for (let link = error; link instanceof Error; link = link.cause) {
    if (link instanceof CountersignError) return link;
  }
  return undefined;
}

/** Our error for what openid-client threw. The IdP's own words go to the private cause only. */
export function refusalOf(error: unknown, exchange: Exchange): CountersignError {
  const own = ownErrorIn(error);
  if (own !== undefined) return own;
  return new CountersignError(codeOf(error, exchange), detailOf(error), { cause: error });
}

/** Our error for what came of discovery at `issuer`: it says what was asked and answered, for who typed the issuer. */
export function discoveryRefusal(error: unknown, issuer: string): CountersignError {
  const own = ownErrorIn(error);
  if (own !== undefined) return own;
  const failure = error instanceof Error ? error.cause : undefined;
  const details = failure instanceof Error ? failure.cause : failure;
  if (libraryCode(error) === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') {
    return otherIssuer(isRecord(details) && isRecord(details.body) ? details.body.issuer : undefined, issuer);
  }
  const answered = details instanceof Response ? ` answered with status ${details.status}` : ' is none';
  const detail = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration${answered}.`;
  return new CountersignError('oidc_discovery', detail, { cause: error });
}

/** `published` is what the document says, anything at all; only a URL is repeated. */
export function otherIssuer(published: unknown, configured: string): CountersignError {
  const readable =
    typeof published === 'string' && published.length <= URL_LENGTH && /^https:\/\/[!-~]+$/.test(published);
  const theirs = readable ? published : 'something that is no https URL';
  return new CountersignError(
    'oidc_issuer',
    `The provider calls itself ${theirs}, and this connection expects ${configured}: they must be the same to the letter.`,
  );
}

/** Error codes of OAuth are ASCII words; anything else that the IdP put there is not repeated. */
export function oauthErrorText(code: string): string {
  return /^[a-z_]{1,64}$/.test(code)
    ? `The identity provider answered ${code}.`
    : 'The identity provider answered with an error.';
}

function detailOf(error: unknown): string | undefined {
  if (error instanceof client.ResponseBodyError) return oauthErrorText(error.error);
  if (error instanceof client.WWWAuthenticateChallengeError) {
    return 'The identity provider does not accept how we authenticate.';
  }
  return undefined;
}

function codeOf(error: unknown, exchange: Exchange): ErrorCode {
  switch (exchange) {
    case 'userinfo':
      return 'oidc_userinfo';
    case 'token':
      if (error instanceof client.ResponseBodyError) return 'oidc_token_endpoint';
      if (error instanceof client.WWWAuthenticateChallengeError) return 'oidc_token_endpoint';
      return tokenCode(error);
  }
}

/**
 * openid-client wraps an error of oauth4webapi, whose `cause` says in its members what was compared. Those are read
 * here, not the messages, which are prose.
 */
function tokenCode(error: unknown): ErrorCode {
  const failure = error instanceof Error ? error.cause : undefined;
  if (failure instanceof DOMException) return 'oidc_keys';
  const details = failure instanceof Error && isRecord(failure.cause) ? failure.cause : {};
  switch (libraryCode(error)) {
    case 'OAUTH_KEY_SELECTION_FAILED':
      return 'oidc_keys';
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return 'oidc_expired';
    case 'OAUTH_JWT_CLAIM_COMPARISON_FAILED':
      return comparisonCode(details.claim);
    case 'OAUTH_UNSUPPORTED_OPERATION':
      // A key that is too short, a token type that we did not ask for, or an algorithm (or JWE, or `crit`).
      if (details instanceof CryptoKey) return 'oidc_keys';
      return 'body' in details ? 'oidc_token_endpoint' : 'oidc_algorithm';
    case 'OAUTH_INVALID_RESPONSE':
      return invalidCode(details);
    case 'OAUTH_RESPONSE_IS_NOT_CONFORM':
    case 'OAUTH_RESPONSE_IS_NOT_JSON':
      return 'oidc_token_endpoint';
    default:
      return 'upstream_invalid';
  }
}

function comparisonCode(claim: unknown): ErrorCode {
  if (claim === 'iss') return 'oidc_issuer';
  if (claim === 'nonce') return 'oidc_nonce';
  return claim === 'aud' || claim === 'azp' ? 'oidc_audience' : 'oidc_claims';
}

function invalidCode(details: Record<string, unknown>): ErrorCode {
  if ('signature' in details) return 'oidc_signature';
  if ('header' in details && 'expected' in details) return 'oidc_algorithm';
  if (isRecord(details.claims)) return onlyNonceMissing(details.claims) ? 'oidc_nonce' : 'oidc_claims';
  return 'body' in details ? 'oidc_token_endpoint' : 'upstream_invalid';
}

function onlyNonceMissing(claims: Record<string, unknown>): boolean {
  const others = ['aud', 'exp', 'iat', 'iss', 'sub'];
  return claims.nonce === undefined && others.every((name) => claims[name] !== undefined);
}

function libraryCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
