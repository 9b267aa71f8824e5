import type { Clock } from '../../../bridge/lib/clock.ts';
import {
  METADATA_BYTES,
  METADATA_REFRESH_S,
  METADATA_RETRY_S,
  METADATA_STALE_S,
} from '../../../bridge/lib/limits.ts';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { parseCertificate } from './certificates.ts';
import { checkHttps, type IdpMetadata, parseIdpMetadata } from './idp-metadata.ts';
import { refuse } from './refuse.ts';
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
  let underWay: Promise<IdpMetadata> | undefined;
  let lastFailed = Number.NEGATIVE_INFINITY;
  let lastForced = Number.NEGATIVE_INFINITY;

  const load = async () => {
    const xml = 'xml' in metadata ? metadata.xml : await download(metadata.url, fetchText);
    kept = { value: readMetadata(xml, idp, clock), at: clock.now() };
    return kept.value;
  };

  // Many sign-ins at once cause one fetch.
  const fetch = () => {
    underWay ??= load().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };

  /** What is kept, if it is younger than `ageMs` and its validUntil has not passed. */
  const keptFor = (ageMs: number) => {
    if (kept === undefined || clock.now() - kept.at >= ageMs) return undefined;
    return (kept.value.validUntil ?? Number.POSITIVE_INFINITY) > clock.now() ? kept.value : undefined;
  };

  const current = async () => {
    const fresh = keptFor(METADATA_REFRESH_S * 1000);
    if (fresh !== undefined) return fresh;
    const stale = keptFor(METADATA_STALE_S * 1000);
    if (stale !== undefined && clock.now() - lastFailed < METADATA_RETRY_S * 1000) return stale;
    try {
      return await fetch();
    } catch (error) {
      if (stale === undefined || !isCountersignError(error, 'upstream_unreachable')) throw error;
      lastFailed = clock.now();
      return stale;
    }
  };

  const afterUnknownKey = async () => {
    if ('xml' in metadata || clock.now() - lastForced < METADATA_RETRY_S * 1000) return undefined;
    lastForced = clock.now();
    const before = kept?.value;
    // Nothing newer to have: the response stays refused for what it was refused for.
    const after = await fetch().catch(() => undefined);
    return fingerprints(before) === fingerprints(after) ? undefined : after;
  };

  return { current, fetch, afterUnknownKey };
}

async function download(url: string, fetchText: FetchText): Promise<string> {
  try {
    return await fetchText(url, { maxBytes: METADATA_BYTES });
  } catch (error) {
    const why = error instanceof CountersignError && error.detail !== undefined ? `: ${error.detail}` : '';
    return refuse('upstream_unreachable', `the metadata could not be fetched${why}`, error);
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
