/** What a SAML message or metadata document may cost us; each limit with its reason. */
export const SAML_LIMITS = {
  /** A signed, encrypted response with 150 groups is about 60 KiB; four times that leaves room. */
  messageBytes: 256 * 1024,
  /** One entity's metadata; federation aggregates are not taken from here. */
  metadataBytes: 1024 * 1024,
  /** A signed response is 10 deep; parsers and canonicalization recurse. */
  depth: 32,
  /** 1,000 attribute values and their wrapping, twice over; signature libraries search them quadratically. */
  elements: 3000,
  /** All XML attributes and namespace declarations together, for the same reason. */
  attributes: 6000,
  /** Attributes (with namespace declarations) of one element; duplicates are found quadratically. */
  attributesOfElement: 32,
  /** Attributes and values of the assertion's statement. */
  statementAttributes: 200,
  statementValues: 1000,
  valueCharacters: 4096,
  /** SAML Core §8.3.7 limits persistent identifiers to 256 characters. */
  nameIdCharacters: 256,
  /** Clock skew that an administrator may configure at most. */
  skewMs: 5 * 60 * 1000,
  defaultSkewMs: 60 * 1000,
  /** How long fetched metadata serves before it is fetched again. */
  metadataFreshMs: 60 * 60 * 1000,
  /** How long it may serve when fetching fails: an outage of the metadata URL must not lock everyone out. */
  metadataStaleMs: 24 * 60 * 60 * 1000,
  /** At most one fetch per this time is caused by responses that no known certificate verifies. */
  refetchPauseMs: 60 * 1000,
} as const;
