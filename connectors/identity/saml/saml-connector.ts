/**
 * Sign-in through a SAML 2.0 identity provider (Web Browser SSO profile: Redirect out, POST back).
 *
 * A response passes two gates with the signature check between them: the pre-gate refuses on the raw message, then
 * node-saml proves which bytes are signed, then the post-gate reads those bytes alone. Unsolicited responses and
 * single logout are not accepted.
 */
import type { Clock } from '../../../bridge/lib/clock.ts';
import { isCountersignError } from '../../../protocol/errors.ts';
import type {
  ConnectorProbe,
  IdentityConnector,
  LoginCallback,
  PendingLogin,
  UpstreamIdentity,
} from '../connector.ts';
import { narrowAlgorithms } from './algorithms.ts';
import { createAuthnRequest } from './authn-request.ts';
import { usableCertificates } from './certificates.ts';
import { decryptAssertion } from './decryption.ts';
import type { IdpMetadata } from './idp-metadata.ts';
import { createIdpMetadataSource, type FetchText } from './idp-metadata-source.ts';
import { NS } from './names.ts';
import { readAssertion } from './post-gate/post-gate.ts';
import { decodeMessage } from './pre-gate/message-bytes.ts';
import { type PreGatePolicy, screenDecrypted, screenResponse } from './pre-gate/pre-gate.ts';
import { refuse } from './refuse.ts';
import { checkKeyPairs, clockSkewOf, type SamlSettings } from './saml-settings.ts';
import { verifyOuterSignature, verifySignedAssertion } from './signature.ts';
import { toUpstreamIdentity } from './upstream-identity.ts';

export interface SamlConnectorDeps {
  readonly clock: Clock;
  readonly fetchText: FetchText;
}

/** @throws config_invalid for settings out of bounds */
export function createSamlConnector(settings: SamlSettings, deps: SamlConnectorDeps): IdentityConnector {
  const { clock } = deps;
  const skewMs = clockSkewOf(settings);
  checkKeyPairs(settings);
  const source = createIdpMetadataSource(settings.idp, deps);

  const verify = async (
    field: string | undefined,
    { requestId, freshSince }: { requestId: string; freshSince: number },
    idp: IdpMetadata,
  ) => {
    const expected = { acsUrl: settings.acsUrl, idpEntityId: idp.entityId, requestId };
    const policy: PreGatePolicy = {
      expected,
      algorithms: narrowAlgorithms(settings.algorithms),
      assertionSignature: settings.assertionSignature ?? 'assertion',
      wantEncrypted: settings.wantEncrypted ?? false,
    };
    const { signed, evidence } = await proveSigned(field, policy, settings, idp, clock);
    const assertion = readAssertion(
      signed,
      { ...expected, spEntityId: settings.spEntityId },
      { now: clock.now(), skewMs },
    );
    // Asked for a fresh authentication, an IdP must show one: a browser can drop ForceAuthn where requests need no signature.
    if (assertion.authn.instant < freshSince - skewMs) {
      refuse('saml_authn_statement', 'the sign-in is an earlier one, though a fresh one was asked for');
    }
    return toUpstreamIdentity(assertion, settings, { issuer: idp.entityId, evidence });
  };

  return {
    protocol: 'saml',

    async begin(request) {
      const { url, requestId } = await createAuthnRequest(settings, await source.current(), request);
      const freshSince = request.fresh === true ? String(clock.now()) : '';
      return { url, pending: { requestId, freshSince } };
    },

    async complete(callback: LoginCallback, pending: PendingLogin): Promise<UpstreamIdentity> {
      if (callback.protocol !== 'saml') refuse('saml_malformed', 'the callback is not a SAML one');
      const requestId = pending.requestId ?? refuse('saml_in_response_to', 'no request is open');
      const field = Object.hasOwn(callback.form, 'SAMLResponse') ? callback.form.SAMLResponse : undefined;
      const freshSince = Number(pending.freshSince ?? '');
      try {
        return await verify(field, { requestId, freshSince }, await source.current());
      } catch (error) {
        const unknownKey =
          isCountersignError(error, 'saml_signature') || isCountersignError(error, 'saml_certificate');
        const newer = unknownKey ? await source.afterUnknownKey() : undefined;
        if (newer === undefined) throw error;
        return verify(field, { requestId, freshSince }, newer);
      }
    },

    async probe(): Promise<ConnectorProbe> {
      const { entityId, certificates } = await source.fetch();
      usableCertificates(certificates, clock.now());
      const keys = certificates.map(({ fingerprint, notAfter }) => ({
        id: fingerprint,
        expires: Math.floor(notAfter / 1000),
      }));
      return { issuer: entityId, keys };
    },
  };
}

interface Proven {
  /** The assertion as the signature covers it. */
  readonly signed: string;
  /** The document that holds the assertion and its signature. */
  readonly evidence: string;
}

async function proveSigned(
  field: string | undefined,
  policy: PreGatePolicy,
  settings: SamlSettings,
  idp: IdpMetadata,
  clock: Clock,
): Promise<Proven> {
  const { requestId } = policy.expected;
  const response = screenResponse(decodeMessage(field), policy);
  const certificates = usableCertificates(idp.certificates, clock.now());
  if (response.encrypted === undefined) {
    const signed = await verifySignedAssertion({ ...response, requestId }, certificates);
    return { signed, evidence: response.xml };
  }
  if (response.responseSigned) verifyOuterSignature(response.xml, certificates);
  const assertion = screenDecrypted(await decryptAssertion(response.encrypted, settings.decryption), policy);
  const signed = await verifySignedAssertion(
    { xml: inResponse(assertion, requestId), requestId, responseSigned: false, assertionSigned: true },
    certificates,
  );
  return { signed, evidence: assertion };
}

/** node-saml reads Responses only. The prefix is one that no assertion's canonical form can inherit by accident. */
function inResponse(assertion: string, requestId: string): string {
  return `<countersign:Response xmlns:countersign="${NS.protocol}" InResponseTo="${requestId}">${assertion}</countersign:Response>`;
}
