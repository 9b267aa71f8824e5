import type { Clock } from '../../../bridge/lib/clock.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { parseCertificate } from './certificates.ts';
import { checkHttps, type IdpMetadata, parseIdpMetadata } from './idp-metadata.ts';
import { refuse } from './refuse.ts';
import { SAML_LIMITS } from './saml-limits.ts';
import type { SamlIdpSettings } from './saml-settings.ts';

/** The caller's guarded fetch: https, no internal address, no more than `maxBytes`; throws where it cannot. */
export type FetchText = (url: string, options: { maxBytes: number }) => Promise<string>;

/** The IdP's metadata, kept for up to an hour; for up to a day where it cannot be fetched again. */
export interface IdpMetadataSource {
  /** @throws upstream_unreachable, saml_metadata and the other codes of parseIdpMetadata */
  current(): Promise<IdpMetadata>;
  /** Fetches now. */
  fetch(): Promise<IdpMetadata>;
  /** For a signature of an unknown key: fetches now, but seldom; undefined where there is nothing newer to have. */
  afterUnknownKey(): Promise<IdpMetadata | undefined>;
}

export function createIdpMetadataSource(
  idp: SamlIdpSettings,
  deps: { clock: Clock; fetchText: FetchText },
): IdpMetadataSource {
  const { clock, fetchText } = deps;
  const { metadata } = idp;
  let kept: { readonly value: IdpMetadata; readonly at: number } | undefined;
  let lastForced = Number.NEGATIVE_INFINITY;

  const fetch = async () => {
    const xml = 'xml' in metadata ? metadata.xml : await download(metadata.url, fetchText);
    kept = { value: readMetadata(xml, idp, clock), at: clock.now() };
    return kept.value;
  };

  const current = async () => {
    const age = kept === undefined ? Number.POSITIVE_INFINITY : clock.now() - kept.at;
    const expired = (kept?.value.validUntil ?? Number.POSITIVE_INFINITY) <= clock.now();
    if (kept !== undefined && age < SAML_LIMITS.metadataFreshMs && !expired) return kept.value;
    try {
      return await fetch();
    } catch (error) {
      const unreachable = error instanceof CountersignError && error.code === 'upstream_unreachable';
      if (unreachable && kept !== undefined && !expired && age < SAML_LIMITS.metadataStaleMs)
        return kept.value;
      throw error;
    }
  };

  const afterUnknownKey = async () => {
    if ('xml' in metadata || clock.now() - lastForced < SAML_LIMITS.refetchPauseMs) return undefined;
    lastForced = clock.now();
    const before = kept?.value;
    const after = await fetch();
    return fingerprints(before) === fingerprints(after) ? undefined : after;
  };

  return { current, fetch, afterUnknownKey };
}

async function download(url: string, fetchText: FetchText): Promise<string> {
  try {
    return await fetchText(url, { maxBytes: SAML_LIMITS.metadataBytes });
  } catch (error) {
    return refuse('upstream_unreachable', 'the metadata could not be fetched', error);
  }
}

function readMetadata(xml: string, idp: SamlIdpSettings, clock: Clock): IdpMetadata {
  const { entityId, overrides } = idp;
  const published = parseIdpMetadata(xml, { clock, ...(entityId === undefined ? {} : { entityId }) });
  return {
    ...published,
    ...(overrides?.ssoUrl === undefined ? {} : { ssoUrl: checkHttps(overrides.ssoUrl) }),
    ...(overrides?.certificates === undefined
      ? {}
      : { certificates: overrides.certificates.map(parseCertificate) }),
  };
}

function fingerprints(metadata: IdpMetadata | undefined): string {
  return (metadata?.certificates ?? []).map(({ fingerprint }) => fingerprint).join();
}
