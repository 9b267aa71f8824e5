/**
 * The closed union of error codes. A code is stable: clients match on it, the SIEM counts it, tests assert it.
 *
 * `status` is the HTTP status that the one renderer (bridge/http/problem.ts) sends with it; `title` is public.
 */
export const ERRORS = {
  // requests
  malformed_request: { status: 400, title: 'The request is not in the form that this endpoint takes.' },
  payload_too_large: { status: 413, title: 'The request body is larger than this endpoint accepts.' },
  unsupported_media_type: { status: 415, title: 'The content type is not the one that this endpoint takes.' },
  not_found: { status: 404, title: 'There is nothing at this address.' },
  method_not_allowed: { status: 405, title: 'This address does not take this method.' },
  rate_limited: { status: 429, title: 'Too many requests; try again later.' },
  unauthenticated: { status: 401, title: 'This needs a valid access token.' },
  dpop_invalid: { status: 401, title: 'The proof of possession does not fit this request.' },
  forbidden: { status: 403, title: 'Policy does not allow this.' },
  person_unknown: { status: 404, title: 'There is no such person.' },
  person_closed: { status: 403, title: 'This person’s account is closed.' },
  person_active: { status: 409, title: 'This person is active; close them first.' },
  person_in_groups: {
    status: 409,
    title: 'Groups name this person as an admin; another admin must sign their keys anew first.',
  },
  address_taken: { status: 409, title: 'Another person holds this address.' },
  no_address: { status: 403, title: 'The sign-in brought no address on a domain that it may assert.' },
  already_enrolled: {
    status: 409,
    title: 'This address has an active key; add a device or ask for a reset.',
  },
  enrolment_unknown: { status: 404, title: 'There is no such enrolment in progress.' },
  enrolment_expired: { status: 410, title: 'The enrolment was not confirmed in time; begin again.' },
  enrolment_proof: { status: 400, title: 'A proof of the enrolment does not verify.' },
  rotation_proof: { status: 400, title: 'A proof of the rotation does not verify.' },
  rotation_factor: { status: 400, title: 'The factor of the rotation does not keep the public key.' },
  rotation_unconfirmed: {
    status: 409,
    title: 'The person has not confirmed which devices are theirs; nothing was rotated.',
  },
  escrow_unsupported: { status: 400, title: 'This bridge does not offer this kind of escrow.' },
  escrow_none: { status: 404, title: 'Nothing was escrowed for this person.' },
  escrow_required: {
    status: 400,
    title: 'This organization wants the keys of its people to be recoverable.',
  },
  recovery_half: { status: 400, title: 'This is no half of the organization’s recovery key.' },
  recovery_unknown: { status: 404, title: 'There is no such recovery.' },
  recovery_state: { status: 409, title: 'The recovery was answered already.' },
  recovery_expired: { status: 410, title: 'The recovery was not answered in time; ask again.' },
  recovery_officer: { status: 409, title: 'Two different administrators are needed.' },
  recovery_refused: { status: 403, title: 'An administrator refused the recovery.' },
  device_unknown: { status: 404, title: 'There is no such device.' },
  device_not_endorsed: {
    status: 403,
    title: 'This device is not (or no longer) one of the person’s devices.',
  },
  device_limit: { status: 409, title: 'The person has as many devices as policy allows.' },
  device_request_unknown: { status: 404, title: 'There is no such request to add a device.' },
  device_request_expired: { status: 410, title: 'The request to add a device has expired; begin again.' },
  device_request_state: { status: 409, title: 'The request to add a device is past this step.' },
  policy_invalid: { status: 400, title: 'The policy does not validate; the one in force stays.' },
  policy_unknown: { status: 404, title: 'There is no policy of this hash.' },
  policy_unavailable: { status: 503, title: 'No policy can be asked, so nothing is allowed.' },
  policy_draft_unknown: { status: 404, title: 'There is no such draft of a policy.' },
  policy_draft_closed: { status: 409, title: 'The draft came into force or was discarded already.' },
  policy_draft_outdated: {
    status: 409,
    title: 'Another policy came into force since the draft was made; make it anew.',
  },
  policy_approval: { status: 403, title: 'The draft needs the approval of another administrator.' },
  policy_lock_out: {
    status: 409,
    title: 'Under this policy no administrator could change the policy any more.',
  },
  policy_bundle_invalid: { status: 502, title: 'The policy bundle is not what its hash or signature says.' },
  decision_unknown: { status: 404, title: 'There is no record of such a decision (any more).' },
  recipients_none: { status: 404, title: 'Policy names no recipients for such data.' },
  admission_invalid: { status: 400, title: 'The meeting’s admission policy is not in its closed form.' },
  admission_withheld: { status: 502, title: 'The admission policy that the host names is not shown.' },
  admission_pending: { status: 409, title: 'The host has not admitted this device to the meeting yet.' },
  admission_refused: {
    status: 403,
    title: 'The meeting’s admission policy does not admit this participant.',
  },
  group_unknown: { status: 404, title: 'There is no such group, or you take no part in it.' },
  group_ended: { status: 410, title: 'The group has ended.' },
  group_offer_unknown: { status: 404, title: 'There is no such group in the making.' },
  group_offer_expired: { status: 410, title: 'The group was not confirmed in time; begin again.' },
  group_limit: { status: 409, title: 'There are as many groups, members or exclusions as may be.' },
  group_vault_missing: {
    status: 409,
    title: 'Your key was reset since; another admin must sign the group’s key anew.',
  },
  group_not_admin: { status: 403, title: 'Only an admin of the group may do this.' },
  group_not_member: { status: 403, title: 'This person or group is no member of the group.' },
  group_excluded: { status: 403, title: 'This person is excluded from the group.' },
  group_proof: { status: 400, title: 'A proof about the group’s key does not verify.' },
  membership_stale: {
    status: 409,
    title: 'The membership is for an older key of the member or the group; an admin must add it anew.',
  },
  sealed_key_unknown: { status: 404, title: 'There is no such sealed key.' },
  meeting_missed: {
    status: 410,
    title: 'What came behind this point is not kept any more; take the state of the meeting anew.',
  },
  overloaded: { status: 503, title: 'There is more work than the bridge can take; try again later.' },
  replayed: { status: 409, title: 'This was used before and counts only once.' },
  partner_unknown: {
    status: 403,
    title: 'No approved partner speaks for this domain, or asks under this name.',
  },
  partner_suspended: {
    status: 403,
    title: 'The partner is suspended until an administrator approves it again.',
  },
  partner_unreachable: { status: 502, title: 'The partner’s bridge cannot be reached.' },
  partner_slow: { status: 504, title: 'The partner’s bridge did not answer in time.' },
  partner_refuses: { status: 502, title: 'The partner’s bridge refuses to answer us.' },
  partner_lying: { status: 502, title: 'The partner’s answer does not verify.' },
  partner_foreign_domain: {
    status: 502,
    title: 'The partner spoke for a domain that it is not approved for.',
  },
  partner_replay: { status: 502, title: 'The partner’s answer is for another request.' },
  partner_expired: { status: 502, title: 'The partner’s keys or configuration have expired.' },
  partner_dns: { status: 400, title: 'The DNS record of the domain does not name this bridge and root.' },
  partner_domain: {
    status: 409,
    title: 'The domain is ours, another partner’s, or not claimed by this bridge.',
  },
  partner_fingerprint: { status: 400, title: 'The fingerprint is not that of the bridge’s root key.' },
  response_mismatch: { status: 400, title: 'The response answers another request.' },
  conflict: { status: 409, title: 'The state has changed since this was prepared.' },
  request_id_reused: { status: 409, title: 'This request id was used before with another body.' },
  internal: { status: 500, title: 'Something went wrong on our side; quote the request id.' },
  unavailable: { status: 503, title: 'The service cannot answer now; try again.' },

  // configuration and state at start
  config_invalid: { status: 500, title: 'The configuration has faults.' },
  state_refused: { status: 500, title: 'The stored state is doubtful; the bridge refuses to run on it.' },
  storage_busy: { status: 503, title: 'The store is busy; try again.' },
  storage_full: { status: 507, title: 'The disk is full: nothing was stored.' },
  storage_nested: { status: 500, title: 'The root database handle was used inside a transaction.' },
  seal_broken: { status: 500, title: 'A sealed value does not open under this key and context.' },

  // names and outbound requests
  name_not_found: { status: 400, title: 'The name does not exist in DNS.' },
  name_unresolvable: { status: 502, title: 'The name could not be looked up.' },
  outbound_refused: { status: 400, title: 'The bridge may not connect to this address.' },
  outbound_redirect: {
    status: 502,
    title: 'The other side answered with a redirect, which is not followed.',
  },
  outbound_too_large: { status: 502, title: 'The other side answered with more than is accepted.' },
  outbound_timeout: { status: 504, title: 'The other side did not answer in time.' },
  outbound_failed: { status: 502, title: 'The other side could not be reached or answered with an error.' },

  // auditing another bridge's log
  audit_state: { status: 500, title: 'The stored state of the auditor cannot be used.' },
  audit_evidence: { status: 400, title: 'The evidence does not show what it claims.' },

  // signed objects
  jws_malformed: { status: 400, title: 'The signed object is malformed.' },
  jws_algorithm: { status: 400, title: 'The signed object uses an algorithm that is not allowed.' },
  jws_type: { status: 400, title: 'The signed object is of another type.' },
  jws_signature: { status: 400, title: 'The signature does not verify.' },
  jws_unknown_key: { status: 400, title: 'The signing key is not among the keys that may sign this.' },
  jws_expired: { status: 400, title: 'The signed object has expired.' },
  jws_not_yet_valid: { status: 400, title: 'The signed object is not yet valid.' },
  jws_audience: { status: 400, title: 'The signed object is meant for another audience.' },
  jws_issuer: { status: 400, title: 'The signed object is from another issuer.' },
  claims_invalid: { status: 400, title: 'The content of the signed object is not as specified.' },
  key_invalid: { status: 400, title: 'The public key is malformed or unsafe.' },
  address_invalid: { status: 400, title: 'The address is not one that can be bound to a key.' },
  key_compromised: { status: 400, title: 'The signing key was declared compromised.' },
  serial_rollback: { status: 400, title: 'The online keys are older than ones already seen.' },
  version_rollback: { status: 400, title: 'The signed object is older than one already seen.' },
  root_mismatch: { status: 400, title: 'The root key is not the pinned one.' },
  domain_not_approved: { status: 400, title: 'The issuer may not speak for this domain.' },
  statement_revoked: { status: 400, title: 'The key statement is revoked.' },
  statement_signature: {
    status: 400,
    title: 'A signature that the key statement needs is missing or wrong.',
  },
  endorsement_mismatch: { status: 400, title: 'The device endorsement does not match the person’s key.' },
  passphrase_invalid: {
    status: 400,
    title: 'This is no passphrase that a client has made; look for a slip.',
  },
  passphrase_wrong: { status: 400, title: 'The passphrase is not the one that this was kept under.' },
  recovery_proof: { status: 400, title: 'The proof that the keys were recovered does not verify.' },
  recovery_key_changed: {
    status: 400,
    title: 'The organization’s recovery key is another one than was pinned, or than the person was told.',
  },
  escrow_mismatch: { status: 400, title: 'The escrow is not the one that the person’s keys vouch for.' },
  transform_key_mismatch: {
    status: 400,
    title: 'The transform key is not one from this person to this device.',
  },
  device_commitment: { status: 400, title: 'The revealed nonce is not the one committed to.' },
  group_key_mismatch: { status: 400, title: 'The group’s key is not the one that its id names.' },
  group_key_chain: {
    status: 400,
    title: 'The keys of the group do not continue each other, or not the one that was pinned.',
  },
  group_offer: { status: 400, title: 'The bridge offers another group than was asked for.' },
  group_untrusted: {
    status: 400,
    title: 'Nothing shows that the expected admin stands behind this key of the group.',
  },
  sealed_key_mismatch: { status: 400, title: 'The sealed key is another one than was asked for.' },
  sealed_key_sealer: {
    status: 400,
    title: 'The sealed key is by nobody whose keys count for this recipient.',
  },
  sealed_key_commitment: {
    status: 400,
    title: 'What was opened is not what the sealer committed to.',
  },
  presence_mismatch: { status: 400, title: 'The presence proof is for another meeting, epoch or device.' },
  level_too_low: {
    status: 400,
    title: 'The credential does not reach the level that the pinned policy demands.',
  },
  credential_too_old: { status: 400, title: 'The credential is older than the pinned policy allows.' },
  pin_changed: { status: 409, title: 'The key is not the one pinned for this address.' },

  // the client
  sign_in_required: { status: 401, title: 'Nobody is signed in on this device; sign in again.' },
  sign_in_refused: { status: 403, title: 'The sign-in was refused or given up.' },
  sign_in_mismatch: { status: 400, title: 'The answer does not belong to this sign-in or to this bridge.' },
  bridge_unreachable: { status: 502, title: 'The bridge does not answer.' },
  bridge_invalid: { status: 502, title: 'The bridge’s answer is not one that can be used.' },
  enrolment_offer: { status: 400, title: 'The bridge offers another enrolment than was asked for.' },
  not_enrolled: { status: 409, title: 'There is no active key for this person; enrol first.' },
  vault_mismatch: { status: 400, title: 'The vault does not hold the keys of this person.' },
  device_comparison: { status: 400, title: 'What was compared differs: this device must not be added.' },
  statement_forked: { status: 400, title: 'The statement does not continue the one seen before.' },
  issuer_unknown: { status: 400, title: 'There is no pinned record of this issuer.' },
  pin_store_invalid: {
    status: 500,
    title: 'The stored pins cannot be read; nothing is believed without them.',
  },
  key_store_invalid: { status: 500, title: 'The stored device keys cannot be read.' },
  aborted: { status: 400, title: 'The caller ended the wait.' },

  // meetings
  rekey_gap: { status: 409, title: 'Messages of the meeting are missing before this one.' },
  rekey_replayed: { status: 409, title: 'This message of the meeting, or a later one, was received before.' },
  rekey_sender: { status: 403, title: 'The sender of the message may not give this meeting its keys.' },
  rekey_mismatch: { status: 400, title: 'The message does not fit what is known of the meeting.' },
  not_placed: { status: 409, title: 'This device has no place in the meeting’s tree of keys.' },
  tree_full: { status: 409, title: 'The meeting has as many participants as its tree of keys has places.' },

  // transparency log
  log_proof: { status: 400, title: 'A proof of the transparency log does not hold.' },
  note_malformed: { status: 400, title: 'The signed note is not in the form that it must have.' },
  note_signature: {
    status: 400,
    title: 'A signature of the signed note is wrong, or one it needs is missing.',
  },
  vrf_invalid: { status: 400, title: 'A proof of the log’s hidden index does not verify.' },
  log_policy_invalid: { status: 400, title: 'The policy for logs and witnesses is malformed.' },
  log_origin: { status: 400, title: 'The checkpoint is of another log.' },
  checkpoint_rollback: { status: 400, title: 'The checkpoint is older than one already seen.' },
  log_split_view: { status: 400, title: 'The log has signed two trees that contradict each other.' },
  log_frozen: { status: 400, title: 'The checkpoint of the log is older than the policy allows.' },
  split_view_evidence: { status: 400, title: 'The evidence does not prove that the log was split.' },
  key_history: { status: 400, title: 'The versions of the key do not continue each other.' },
  clock_back: {
    status: 503,
    title: 'The clock of the bridge has gone back; nothing is logged until it is right.',
  },
  clock_ahead: {
    status: 503,
    title: 'The clock of the bridge may be ahead; nothing is logged until that is known.',
  },
  witness_log_unknown: { status: 404, title: 'This is no witness of the log.' },
  witness_signature: {
    status: 403,
    title: 'No key of the log has signed the checkpoint, or a signature is wrong.',
  },
  witness_size: { status: 400, title: 'The old size is above the size of the checkpoint.' },
  witness_proof: { status: 422, title: 'The checkpoint does not continue the one that was cosigned last.' },
  witness_unproven: {
    status: 502,
    title: 'A witness claims to have seen more of the log and does not show it.',
  },
  checkpoint_unknown: { status: 404, title: 'The log has no such checkpoint.' },
  cosigner_unknown: { status: 403, title: 'Nobody whose cosignatures this log takes has signed this.' },

  // assets
  asset_invalid: { status: 400, title: 'This is no sealed asset of a version that is known here.' },
  asset_damaged: {
    status: 400,
    title: 'The asset was changed, cut short or extended, or this is not its key.',
  },
  asset_signature: {
    status: 400,
    title: 'The asset was made by somebody else who has its key than the device that sealed the key.',
  },

  // proxy re-encryption
  recrypt_input_invalid: { status: 400, title: 'A key or ciphertext of proxy re-encryption is malformed.' },
  recrypt_decrypt_failed: { status: 400, title: 'The ciphertext does not open with this key.' },
  recrypt_unavailable: { status: 503, title: 'Proxy re-encryption is not available.' },

  // identity providers
  upstream_refused: { status: 403, title: 'The identity provider refused the sign-in.' },
  upstream_unreachable: { status: 502, title: 'The identity provider does not answer.' },
  upstream_invalid: { status: 400, title: 'The identity provider’s answer is not one that can be used.' },
  oidc_discovery: { status: 400, title: 'The identity provider’s discovery document cannot be used.' },
  oidc_issuer: { status: 400, title: 'The answer is from another issuer than the configured one.' },
  oidc_state: { status: 400, title: 'The answer does not belong to this sign-in.' },
  oidc_token_endpoint: { status: 400, title: 'The identity provider did not exchange the code for a token.' },
  oidc_algorithm: { status: 400, title: 'The ID token is not signed with an algorithm that is allowed.' },
  oidc_keys: { status: 400, title: 'No single published key of the identity provider fits the ID token.' },
  oidc_signature: { status: 400, title: 'The signature of the ID token does not verify.' },
  oidc_nonce: { status: 400, title: 'The ID token was not issued for this sign-in.' },
  oidc_audience: { status: 400, title: 'The ID token was issued to another client.' },
  oidc_expired: { status: 400, title: 'The ID token has expired or is not yet valid.' },
  oidc_auth_time: { status: 400, title: 'The identity provider does not show a fresh authentication.' },
  oidc_claims: { status: 400, title: 'A claim that the sign-in needs is missing or malformed.' },
  oidc_email_unverified: { status: 400, title: 'The identity provider does not vouch for the address.' },
  oidc_userinfo: {
    status: 400,
    title: 'The UserInfo answer does not belong to the ID token or cannot be used.',
  },

  // sign-in, connections, client apps
  sign_in_unknown: { status: 400, title: 'This sign-in is over, or was not begun here; start again.' },
  sign_in_foreign: { status: 403, title: 'This sign-in was begun in another browser.' },
  connection_unknown: { status: 404, title: 'There is no such connection.' },
  connection_inactive: { status: 403, title: 'Nobody can sign in through this connection now.' },
  connection_untested: { status: 409, title: 'Exactly these settings must pass a test first.' },
  app_unknown: { status: 404, title: 'There is no such client app.' },

  // administration
  bootstrap_invalid: {
    status: 403,
    title: 'This one-time link is not valid, was used, or has expired; make a new one.',
  },
  token_unknown: { status: 404, title: 'There is no such administrator’s token.' },
  domain_unknown: { status: 404, title: 'There is no such domain.' },
  domain_limit: { status: 409, title: 'The organization has as many domains as its records can name.' },
  domain_refused: { status: 400, title: 'This domain cannot be the organization’s own.' },
  domain_unproven: { status: 409, title: 'The DNS record that proves the domain is not there.' },
  domain_in_use: { status: 409, title: 'People hold addresses on this domain.' },

  // sign-in through SAML
  saml_malformed: { status: 400, title: 'The SAML message is not in the form that it must have.' },
  saml_too_large: { status: 400, title: 'The SAML message is too large, too deep or has too many parts.' },
  saml_doctype: { status: 400, title: 'The SAML message has a document type declaration.' },
  saml_duplicate_id: { status: 400, title: 'Two elements of the SAML message have the same ID.' },
  saml_wrapping: { status: 400, title: 'The SAML message has assertions or signatures where none may be.' },
  saml_algorithm: { status: 400, title: 'The SAML message uses an algorithm that is not allowed.' },
  saml_destination: { status: 400, title: 'The SAML response was sent to another destination.' },
  saml_issuer: { status: 400, title: 'The SAML message is from another issuer.' },
  saml_in_response_to: {
    status: 400,
    title: 'The SAML message does not answer the request of this sign-in.',
  },
  saml_unsigned: { status: 400, title: 'The SAML assertion is not signed.' },
  saml_signature: { status: 400, title: 'The signature of the SAML message does not verify.' },
  saml_certificate: { status: 400, title: 'No certificate of the identity provider is valid now.' },
  saml_encryption: {
    status: 400,
    title: 'The encrypted SAML assertion cannot be opened, or is not as agreed.',
  },
  saml_audience: { status: 400, title: 'The SAML assertion is meant for another audience.' },
  saml_recipient: { status: 400, title: 'The SAML assertion is meant for another recipient.' },
  saml_confirmation: { status: 400, title: 'The SAML assertion does not confirm its subject as it must.' },
  saml_conditions: {
    status: 400,
    title: 'The SAML assertion has no conditions, or conditions that are not understood.',
  },
  saml_expired: { status: 400, title: 'The SAML assertion has expired.' },
  saml_not_yet_valid: { status: 400, title: 'The SAML assertion is not yet valid.' },
  saml_authn_statement: {
    status: 400,
    title: 'The SAML assertion does not say how and when the person signed in.',
  },
  saml_subject: { status: 400, title: 'The SAML assertion does not name its subject as agreed.' },
  saml_attributes: {
    status: 400,
    title: 'The attributes of the SAML assertion are ambiguous, too many or malformed.',
  },
  saml_metadata: { status: 400, title: 'The SAML metadata cannot be used.' },

  // sinks and the log of events
  sink_unknown: { status: 404, title: 'There is no such sink.' },
  sink_name_taken: { status: 409, title: 'Another sink has this name.' },
  sink_limit: { status: 409, title: 'There are as many sinks as one bridge serves.' },
  sink_unavailable: { status: 502, title: 'The receiver of the sink does not take events now.' },
  sink_misconfigured: { status: 502, title: 'The receiver of the sink refuses this bridge.' },
  sink_batch_refused: { status: 502, title: 'The receiver of the sink does not take these events.' },
  sink_gone: { status: 502, title: 'The receiver of the sink wants no more events.' },
  sink_closed: { status: 409, title: 'The sink is paused or was removed.' },
  dead_letter_unknown: { status: 404, title: 'The sink has no such dead letter.' },
  replay_unknown: { status: 404, title: 'The sink has no such replay.' },
  events_pruned: { status: 410, title: 'The content of these events is not kept any more.' },
  event_export: { status: 400, title: 'The exported events are not what the log has, or not all of it.' },

  // Shared Signals
  receiver_unknown: { status: 404, title: 'There is no such receiver of signals.' },
  transmitter_unknown: { status: 404, title: 'There is no such transmitter of signals.' },
  stream_unknown: { status: 404, title: 'There is no such stream of signals.' },
  stream_exists: { status: 409, title: 'This receiver has a stream already.' },
  set_invalid: { status: 400, title: 'The security event token is malformed, or lacks what it must have.' },
  set_issuer: { status: 400, title: 'The security event token is from an unexpected issuer.' },
  set_audience: { status: 400, title: 'The security event token is meant for somebody else.' },
  set_key: { status: 400, title: 'No known key has signed the security event token.' },
  set_subject: {
    status: 400,
    title: 'The security event token names nobody whom this transmitter speaks for.',
  },
} as const satisfies Record<string, { status: number; title: string }>;

/** A stable error code. */
export type ErrorCode = keyof typeof ERRORS;

/**
 * The one error class. `detail` is public: it may be shown to whoever asked. `cause` is private: it goes to the
 * log and never leaves the process.
 */
export class CountersignError extends Error {
  override readonly name = 'CountersignError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  /** Seconds after which trying again may help. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown; retryAfter?: number }) {
    super(detail === undefined ? `${code}: ${ERRORS[code].title}` : `${code}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
    this.retryAfter = options?.retryAfter;
  }
}

/** Whether `error` is ours and, if `code` is given, carries that code. */
export function isCountersignError(error: unknown, code?: ErrorCode): error is CountersignError {
  return error instanceof CountersignError && (code === undefined || error.code === code);
}

/** The code named by a foreign string (a problem document of another bridge), or `undefined`. */
export function parseErrorCode(code: unknown): ErrorCode | undefined {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : undefined;
}
