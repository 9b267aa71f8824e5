import { equalSecrets } from '../../../bridge/lib/ids.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { oauthErrorText } from './refusals.ts';

const SINGLE = ['state', 'iss', 'error', 'code'] as const;
const IDP_IS_DOWN = new Set(['server_error', 'temporarily_unavailable']);

/**
 * The parameters that the browser brought back, once they are known to answer this sign-in and to come from this
 * IdP: `state`, then `iss` (RFC 9207 section 2.4, against mix-up), then what the IdP said. `url` is
 * attacker-controlled; only its query is read.
 *
 * @throws CountersignError `upstream_invalid`, `oidc_state`, `oidc_issuer`, `upstream_refused` when the IdP said no,
 * `upstream_unreachable` when it said that it could not.
 */
export function readAuthorizationResponse(
  url: string,
  expected: { state: string; issuer: string; issuerRequired: boolean },
): URLSearchParams {
  const query = url.indexOf('?');
  const parameters = new URLSearchParams(query < 0 ? '' : url.slice(query + 1).split('#', 1)[0]);
  for (const name of SINGLE) {
    if (parameters.getAll(name).length > 1) {
      throw new CountersignError(
        'upstream_invalid',
        `The parameter ${name} stands more than once in the answer.`,
      );
    }
  }

  if (!equalSecrets(parameters.get('state') ?? '', expected.state)) throw new CountersignError('oidc_state');

  const issuer = parameters.get('iss');
  if (issuer === null ? expected.issuerRequired : issuer !== expected.issuer) {
    throw new CountersignError(
      'oidc_issuer',
      'The answer does not name the identity provider that was asked.',
    );
  }

  const error = parameters.get('error');
  if (error !== null) {
    const code = IDP_IS_DOWN.has(error) ? 'upstream_unreachable' : 'upstream_refused';
    throw new CountersignError(code, oauthErrorText(error), { cause: parameters.get('error_description') });
  }
  if (!parameters.get('code')) throw new CountersignError('upstream_invalid', 'The answer has no code.');
  return parameters;
}
