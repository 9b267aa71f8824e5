/**
 * Every bound of the bridge on what others may send, how many, and how long: one file, so that they can be reviewed
 * together. Each says why it is what it is. What an operator may choose stands in bridge/config, with these as the
 * defaults or the outer bounds. Times end in `_MS` or `_S`, sizes in `_BYTES`, text lengths (UTF-16 units) in
 * `_LENGTH`; the rest are counts. What a format itself bounds stands beside its schema in protocol/.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

// ---- clocks

/** What two machines' clocks may differ by. NTP keeps them within a second; a minute forgives a laptop's. */
export const CLOCK_SKEW_S = 60;

// ---- names (DNS)

/** One packet to one server: longer than a healthy resolver takes, short enough to try a second server. */
export const DNS_TRY_TIMEOUT_MS = 2_000;
/** Two tries cover one lost packet; more would hold a sign-in up for a dead zone. */
export const DNS_TRIES = 2;
/** All servers and tries together: a person waits behind it. */
export const DNS_TOTAL_TIMEOUT_MS = 8_000;

// ---- what we fetch

/** One outbound request from the look-up of the name to the last byte: a person waits behind most of them. */
export const OUTBOUND_TIMEOUT_MS = 10_000;
/** A TCP and TLS handshake; the rest of the time is for the answer. */
export const OUTBOUND_CONNECT_TIMEOUT_MS = 5_000;
/** Any answer for which nothing smaller is said. Discovery documents and JWKS are a few KiB. */
export const OUTBOUND_BODY_BYTES = MIB;
/** Response headers; larger ones serve only to fill memory. */
export const OUTBOUND_HEADERS_BYTES = 16 * KIB;
/** A URL that others supply (metadata, endpoints). Longer ones are not met in practice. */
export const URL_LENGTH = 2_048;

// ---- what we are sent

/** A JSON body of any endpoint for which nothing else is said. */
export const JSON_BODY_BYTES = 64 * KIB;
/** A look-up: 1,000 addresses of at most 254 bytes each, with quotes, and the request around them. */
export const LOOKUP_BODY_BYTES = 300 * KIB;
/** Twenty addresses of 254 characters. */
export const PUBLIC_LOOKUP_BODY_BYTES = 8 * KIB;
/** Enrolment, approval and rotation carry a vault, a transform key and an endorsement per device. */
export const ENROLMENT_BODY_BYTES = 256 * KIB;
/** A form of the sign-in pages (not SAML): a handful of short fields. */
export const FORM_BODY_BYTES = 64 * KIB;
/** Everything that one request may carry in headers; the same as node:http's default, stated. */
export const REQUEST_HEADERS_BYTES = 16 * KIB;
/** A client that sends its request slower than this holds a socket for nothing. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** The headers alone: they fit in a packet or two, so a client that takes this long is stalling. */
export const REQUEST_HEADERS_TIMEOUT_MS = 10_000;
/** An idle connection is kept for the next request this long; proxies reuse theirs for a minute. */
export const KEEP_ALIVE_MS = 65_000;
/** Connections at once: each costs some 50 KiB with TLS, so a flood costs memory that a small machine has. */
export const CONNECTIONS = 10_000;
/** How long open requests may finish when the bridge stops; orchestrators kill after 30 s. */
export const STOP_GRACE_MS = 20_000;

/** Requests of one client address in a minute: an office behind one address, each person with a few clients. */
export const REQUESTS_PER_MINUTE = 6_000;
/** Of a partner’s bridge, which asks for all of its people: a thousand a second, when a large meeting begins. */
export const BRIDGE_REQUESTS_PER_MINUTE = 60_000;
/** Refused ones among them: beyond this it is probing, and each refusal costs an event on disk. */
export const REFUSALS_PER_MINUTE = 600;
/** Findings that a person's clients report about their keys: one is enough to look into, and each becomes an event. */
export const FINDINGS_PER_HOUR = 30;

// ---- look-ups

/** A look-up as a signed request between bridges: base64url makes it a third longer. */
export const LOOKUP_REQUEST_BYTES = 400 * KIB;
/** The oldest answer that anyone can ask for. A binding would be renewed by then. */
export const LOOKUP_MAX_AGE_S = HOUR_S;
/** One partner's answer: 1,000 stapled credentials of some 6 KiB, with room for the log's proofs. */
export const LOOKUP_RESPONSE_BYTES = 16 * MIB;
/** A partner that takes longer is 'down' for this look-up; the other addresses are answered. */
export const PARTNER_TIMEOUT_MS = 8_000;
/** The life of a signed answer: it is checked on arrival and then kept as what it holds. */
export const BRIDGE_RESPONSE_LIFE_S = 60;

// ---- federation

/** The longest pause that a partner's word for `try again later` is passed on as. */
export const PARTNER_RETRY_MAX_S = MINUTE_S;
/** A partner's entity configuration: keys, endpoints, and up to ISSUER_DOMAINS names. */
export const ENTITY_CONFIGURATION_BYTES = 256 * KIB;
/** A bridge's own record and policy with two log proofs of LOG_STAPLE_MAX, its keys and ISSUER_DOMAINS names. */
export const LOGGED_TRUST_BYTES = 256 * KIB;
/** A policy bundle in base64url: POLICY_LENGTH characters, each escaped or of three bytes. */
export const POLICY_BUNDLE_BYTES = 2 * MIB;
/** A partner's record as handed to our clients: a client that was offline longer asks again. */
export const PARTNER_RECORD_LIFE_S = DAY_S;
/** Pinned partners are re-read and their TXT records checked this often (PROTOCOL.md section 6). */
export const PARTNER_RECHECK_S = DAY_S;
/** Between readings of one partner that unverified requests can cause: anybody can send those. */
export const PARTNER_REFRESH_PAUSE_MS = 60_000;
/** Our own entity configuration's life: two missed daily re-checks do not suspend us at our partners. */
export const ENTITY_CONFIGURATION_LIFE_S = 3 * DAY_S;
/** TXT records read under one name; a zone's owner chooses how many there are. */
export const TXT_RECORDS = 50;

// ---- enrolment, devices, persons

/** From the first step of an enrolment to its confirmation (PROTOCOL.md section 2): machines do both. */
export const ENROLMENT_LIFE_S = 5 * MINUTE_S;
/** The clock of a client that rotates may differ by this from ours when its statement comes; it asked for ours before. */
export const ROTATION_SINCE_S = 10 * MINUTE_S;
/** A new device waits this long for an approval: a person fetches the other device. */
export const DEVICE_APPROVAL_LIFE_S = 10 * MINUTE_S;
/** Times a day that a person's escrow is handed out: who has lost all devices needs it once, and a thief to try offline too. */
export const ESCROW_OPENINGS_PER_DAY = 5;
/** Two administrators find the time within a day, or are asked again. */
export const RECOVERY_LIFE_S = DAY_S;
/** Open recoveries of one person: the administrators who compare must not be flooded. */
export const OPEN_RECOVERIES = 3;
/** What a closed person escrowed is kept for ten years at most: longer is no retention any more. */
export const ESCROW_KEEP_DAYS_MAX = 3_650;
/** Groups that one request looks at: each is a read of its newest keys. */
export const DUE_ROTATIONS_PAGE = 200;
/** People of one page of the report on escrows: a screen of a script, and a few hundred bytes each. */
export const COVERAGE_PAGE = 500;
/** Two administrators find the time for a drill within a week. */
export const RECOVERY_DRILL_LIFE_S = 7 * DAY_S;
/** How long a client may rely on what it was told of the recovery key: an enrolment follows at once. */
export const RECOVERY_KEY_TOKEN_LIFE_S = HOUR_S;
/** Devices of one person, whatever policy says: a rotation re-endorses every device in one request. */
export const DEVICES_PER_PERSON_MAX = 100;
/** Addresses of one person (aliases). */
export const ADDRESSES_PER_PERSON = 20;
/** A person's displayed name, as the IdP says it. */
export const PERSON_NAME_LENGTH = 128;
/** Names of organizations, connections, client apps and partners, which administrators give. */
export const NAME_LENGTH = 80;
/** An administrator's reason for a reset or a revocation; it stands in events. */
export const REASON_LENGTH = 500;

// ---- groups

/** From the bridge's share to the confirmation: the client makes a token and a vault for each admin. */
export const GROUP_OFFER_LIFE_S = 5 * MINUTE_S;
/** A confirmation or a rotation: a token of some KiB, and a vault of 8 KiB at most for each of 16 admins. */
export const GROUP_BODY_BYTES = 256 * KIB;
/** 200 statements of some 700 characters, each with a transform key of 1 KiB. */
export const GROUP_MEMBERS_BODY_BYTES = MIB;
/** 200 exclusions of some 600 characters. */
export const GROUP_EXCLUSIONS_BODY_BYTES = 256 * KIB;
/** How far ahead a meeting may end: a month of conference. What is to last is a durable group. */
export const MEETING_LIFE_S = 31 * DAY_S;
/** Direct members of one group: twice the largest meeting, each a row of a KiB. */
export const GROUP_MEMBERS = 20_000;
/** Groups that one person made and that have not ended: a meeting every ten minutes of a month. */
export const GROUPS_OF_CREATOR = 5_000;
/** A partner's view of a group: tokens of some KiB, evidence of some 10 KiB for each device that signed, 5,000 exclusions of 800 bytes. */
export const GROUP_VIEW_RESPONSE_BYTES = 10 * MIB;
/** 512 durable groups, and 200 people of long names, asked for by a signed request: base64url makes it a third longer. */
export const MEMBERSHIPS_REQUEST_BYTES = 256 * KIB;
/** A receipt for a group's key is made for each view of the group: it outlives the way to the client. */
export const GROUP_KEY_RECEIPT_LIFE_S = 10 * MINUTE_S;
/** What showed whose device signed for a group serves the next ones for so long: bindings are good for a day. */
export const GROUP_EVIDENCE_REUSE_S = 6 * 60 * MINUTE_S;
/** Hops to durable groups that are made once for all who come by them: ciphertexts of 2 KiB. */
export const SHARED_HOPS = 1_000;
/** How long one serves those who join together; who comes later has it made anew. */
export const SHARED_HOP_LIFE_MS = MINUTE_S * 1_000;
/** Groups in the list of one person. */
export const GROUPS_LISTED = 1_000;
/** How old an exclusion may be when it arrives; its nonce is remembered that long. */
export const GROUP_EXCLUSION_AGE_S = 5 * MINUTE_S;
/** Records of a meeting that has ended: for whoever asks what became of it. The events stay. */
export const ENDED_GROUP_KEPT_S = 30 * DAY_S;
/** Meetings that one run of the background loop ends, or forgets: the next run takes the others. */
export const ENDED_GROUPS_AT_ONCE = 200;

// ---- what we hand out

/** Bindings are renewed once this part of their life is left, so that a pause of the bridge is not seen. */
export const BINDING_RENEWAL_PART = 0.5;
/** Online signing keys' life, by default: rotated four times a year under the offline root. */
export const ONLINE_KEYS_LIFE_DAYS = 90;
/** The key-encryption key: as often as persons' keys. It is said that it is old, and nothing stops of it. */
export const KEY_ENCRYPTION_KEY_DAYS = 365;
/** Ten years: longer is no age that anybody waits for. */
export const KEY_ENCRYPTION_KEY_DAYS_MAX = 3_650;
/** So long before their end somebody is told: the root key rests in a safe, perhaps in another town. */
export const ONLINE_KEYS_WARNING_S = 14 * DAY_S;
/** One look at the bridge's health answers all who ask this long: none of them is refused, and store and cache must not feel it. */
export const READINESS_MEMORY_MS = 1_000;

// ---- sign-in

/** From the start at the client app to the answer of the IdP: a person types a password and a second factor. */
export const SIGN_IN_LIFE_S = 10 * MINUTE_S;
/** Between the SAML POST and the browser's following GET (PROTOCOL.md section 13); a slow phone fits in. */
export const ONE_TIME_HANDLE_LIFE_S = 2 * MINUTE_S;
/** How old a DPoP proof may be (RFC 9449 section 11.1); its `jti` is remembered that long. */
export const DPOP_PROOF_AGE_S = 60;
/** Access tokens, by default: the longest that a token could outlive a lost push of its revocation. */
export const ACCESS_TOKEN_MINUTES = 15;
/** Refresh tokens, by default: a device unused for a month signs in again. */
export const REFRESH_TOKEN_DAYS = 30;
/** Redirect URIs of one client app. */
export const REDIRECT_URIS = 20;
/** A grant ends even if its device is used daily: once a year, the IdP is asked again. */
export const GRANT_LIFE_S = 365 * DAY_S;
/** What is remembered of an app's authorization request, characters: real ones have some 1,000. */
export const AUTHORIZATION_REQUEST_LENGTH = 16 * KIB;
/** From the redirect to the client app to its token request: machines do both. */
export const AUTHORIZATION_CODE_LIFE_S = MINUTE_S;
/** The life of what a service proves itself with; so long is its `jti` remembered. */
export const SERVICE_ASSERTION_LIFE_S = 5 * MINUTE_S;
/** When a device was last used is noted this often: administrators look for the ones that nobody uses, by days. */
export const DEVICE_SEEN_EVERY_S = HOUR_S;
/** A device shows its code this long: somebody fetches a phone and signs in. */
export const DEVICE_CODE_LIFE_S = 10 * MINUTE_S;
/** A device asks this often whether its code was taken (RFC 8628 section 3.2). */
export const DEVICE_POLL_INTERVAL_S = 5;
/** Wrong user codes of one address in ten minutes: there are 2.5e10 of them, and a person mistypes a few. */
export const USER_CODE_GUESSES = 10;
/** Why a sign-in was refused: until the help desk has asked, not for ever. */
export const SIGN_IN_TRACE_LIFE_S = 7 * DAY_S;
/** Origins that one client app may call from. */
export const CORS_ORIGINS = 20;

// ---- SAML

/** A decoded SAML response. Real ones are 5 to 30 KiB; many groups in the attributes make 150. */
export const SAML_RESPONSE_BYTES = 256 * KIB;
/** The form around it: base64, percent-encoded at worst, and a RelayState. */
export const SAML_FORM_BYTES = 512 * KIB;
/** Nested elements. An assertion in a response needs about ten; deep nesting only exhausts parsers. */
export const XML_DEPTH = 32;
/** Elements in one SAML document: 1,000 attribute values twice over. Signature libraries search them quadratically. */
export const XML_ELEMENTS = 3_000;
/** XML attributes and namespace declarations of one element: parsers are quadratic in them. */
export const XML_ATTRIBUTES = 32;
/** The same of the whole document, for the same reason as elements. */
export const XML_ATTRIBUTES_TOTAL = 6_000;
/** What an assertion may say about a person; directories have some 50 attributes. */
export const SAML_ATTRIBUTES = 200;
/** Values of all of them, groups mostly. */
export const SAML_ATTRIBUTE_VALUES = 1_000;
/** One value: a distinguished name of a deep directory fits in. */
export const SAML_VALUE_LENGTH = 4_096;
/** SAML Core section 8.3.7 limits persistent identifiers to 256 characters. */
export const NAME_ID_LENGTH = 256;
/** The most that a connection may forgive in an IdP's clock: it also is how much longer an assertion lives. */
export const SAML_CLOCK_SKEW_MAX_S = 5 * MINUTE_S;
/** IdP metadata of one entity; federations' aggregates (tens of MiB) are refused on purpose. */
export const METADATA_BYTES = MIB;
/** Metadata and discovery are read again this often, so that an IdP's new certificate is known in time. */
export const METADATA_REFRESH_S = HOUR_S;
/** How long what was fetched serves while it cannot be fetched again: an outage must not lock everyone out. */
export const METADATA_STALE_S = DAY_S;
/** Between two fetches that failures cause (an unreachable URL, a response of no known key): anyone can cause them. */
export const METADATA_RETRY_S = MINUTE_S;
/** Certificates of one IdP: current, next, and a few left over. */
export const IDP_CERTIFICATES = 10;
/** How long after it was issued an assertion may be presented, when it names no shorter time itself. */
export const ASSERTION_AGE_S = 5 * MINUTE_S;

// ---- connections and domains

/** Domains that one connection may assert. */
export const CONNECTION_DOMAINS = 200;
/** A name in DNS, written out (RFC 1035 section 2.3.4). */
export const DNS_NAME_LENGTH = 253;
/** A domain's TXT record is looked at again this often; a domain sold must not stay ours. */
export const DOMAIN_RECHECK_S = DAY_S;
/** Checks that may fail in a row (DNS outages happen) before a verified domain counts as lost. */
export const DOMAIN_RECHECK_FAILURES = 3;

// ---- administration

/** The one-time link that makes the first administrator: it is opened by whoever has just run the command. */
export const ADMIN_BOOTSTRAP_LIFE_S = 15 * MINUTE_S;
/** An administrator's token for the CLI: one working day. */
export const ADMIN_TOKEN_LIFE_S = 12 * HOUR_S;
/** The longest life of a token made for a machine (a SIEM that fetches events, a script). */
export const ADMIN_TOKEN_LIFE_MAX_S = 90 * DAY_S;
/** An administrator's token as it is sent; ours are shorter. */
export const ADMIN_TOKEN_LENGTH = 128;
/** Rows of one page of any list. */
export const PAGE_ROWS = 200;
/** Rows of a page when the caller does not say. */
export const PAGE_ROWS_DEFAULT = 50;

// ---- decisions of policy

/** A decision takes a tenth of a millisecond. One that takes this long is refused: whoever asks something else waits behind it. */
export const DECISION_TIME_MS = 10;
/** Tries before it counts: a machine with too much to do puts a process aside in the middle of one, hardly of three. */
export const DECISION_TRIES = 3;
/** Decisions remembered, by what they were read from: some MiB. What people ask differs in far fewer ways. */
export const DECISIONS_REMEMBERED = 10_000;
/**
 * Brackets and `if`s within each other in a policy or its schema. Cedar runs out of its own stack, 1 MiB in WebAssembly on
 * any thread, between 100 and 150 of them; what is shipped has 3.
 */
export const POLICY_LEVELS = 24;
/** Operators that contain each other, as in `a + b + c`: Cedar survives 300 of the worst kind; what is shipped has 13. */
export const POLICY_OPERATORS = 80;
/** Policies of a content: seven times what is shipped. */
export const POLICY_RULES = 300;
/** Words, strings, brackets, operators and commas of its texts: each takes Cedar up to 20 µs. What is shipped has 2,700. */
export const POLICY_TOKENS = 25_000;
/**
 * Characters of a content's policies, each as often as there are actions that the policy is for: Cedar looks at it once for
 * each, for up to 2 µs a character, while nothing else is answered. What is shipped has 56,000.
 */
export const POLICY_WEIGHT = 250_000;
/** Sets of policies that are kept parsed, one for each action: of the policy in force, drafts and their trial runs. Some KiB each. */
export const POLICY_SETS_PARSED = 512;
/** Contents that are kept compiled, of drafts and of earlier versions: administrators work on a few at a time. Some MiB each. */
export const CONTENTS_COMPILED = 4;
/** Permits that are named as the nearest to one that would have allowed it: more says nothing to whoever reads them. */
export const NEAREST_PERMITS = 3;
/** Drafts of the next policy that are kept: each holds a whole content, and administrators choose among a few. */
export const POLICY_DRAFTS = 100;
/** Drafts are forgotten after this: an approval of a month ago says nothing about today. */
export const POLICY_DRAFT_LIFE_S = 30 * DAY_S;
/** How long the version before the one in force may be brought back without another approval: an emergency is noticed by then. */
export const POLICY_ROLL_BACK_S = DAY_S;
/** Why a draft was made, in its author’s words; it stands in events. */
export const NOTE_LENGTH = 500;
/** A draft with all its files, as JSON: escaped, it is at most twice as long as a policy may be. */
export const POLICY_BODY_BYTES = 640 * KIB;
/** People, groups or decisions that a trial run of a draft reads at a time: a few ms of the store’s time. */
export const TRIAL_PAGE = 250;
/** A trial run leaves the event loop to others after this. */
export const TRIAL_SLICE_MS = 5;
/** How long it may take: somebody waits for it, and proxies wait half a minute. */
export const TRIAL_MS = 15_000;
/** Decisions that it may ask for: a hundred thousand people who are all told apart by name. */
export const TRIAL_DECISIONS = 1_000_000;
/** Kinds of colleagues and partners of whom it asks whom they could find: each asks about everybody. */
export const TRIAL_ASKERS = 64;
/** Words for data, of those that policies compare with, that it tries in pairs for each kind of people. */
export const TRIAL_DATA_WORDS = 8;
/** Recent decisions that it decides again: the last hours of most companies. */
export const TRIAL_RECENT = 10_000;
/** Examples of what it finds: enough to see whether that is meant. */
export const TRIAL_EXAMPLES = 5;
/** What was decided is written this often, all of it in one transaction: explanations may wait for a second. */
export const DECISION_FLUSH_MS = 1_000;
/** Rows that one process writes of the decisions of a second: a few ms of the store’s time, some 200 KiB. */
export const DECISIONS_PER_FLUSH = 200;
/** Of one action and effect among them: a look-up of a thousand addresses must not hide everything else. */
export const DECISIONS_OF_ACTION = 50;
/** Decisions are explained for a week: whoever was refused asks by then. */
export const DECISION_LIFE_S = 7 * DAY_S;
/** Denials kept, and as many others: a hundred MiB together. */
export const DECISIONS_KEPT_OF_EFFECT = 50_000;
/** Decisions forgotten in one transaction: others wait for it. */
export const DECISIONS_PURGED = 1_000;

// ---- signals from others

/** A security event token: what is said of one event, with words for people. */
export const SIGNAL_BYTES = 16 * KIB;
/** A transmitter's keys are fetched again after this: a key that it takes back counts no longer than that. */
export const KEY_SET_LIFE_MS = 10 * MINUTE_S * 1000;
/** An unknown key makes us fetch the set again, but not more often than this. */
export const KEY_SET_PAUSE_MS = 30_000;
/** That an address of a partner changed is remembered for who comes back to a watch: no answer about it is older. */
export const FOREIGN_CHANGE_LIFE_S = 2 * DAY_S;

// ---- events, log and background work

/** Events in one answer of `GET /v1/events`: some MiB, then the caller comes again with `since`. */
export const EVENT_PAGE = 1_000;
/** Dead letters in one answer, and named in one request: each comes with up to 500 characters of the receiver's words. */
export const DEAD_LETTER_PAGE = 500;
/** Events that one question with a filter looks through: then the caller comes again from there. */
export const EVENTS_SCANNED = 10 * EVENT_PAGE;
/** Events that a stream reads at a time: what one slow reader holds in memory. */
export const LIVE_EVENT_PAGE = 100;
/** The machine's clock is looked at this often. */
export const CLOCK_WATCH_MS = 1_000;
/** A clock that moved by this much more or less than time did was set: NTP slews by far less between two looks. */
export const CLOCK_STEP_MS = 5_000;
/** Streams look for news this often when nobody wakes them. */
export const LIVE_POLL_MS = 2_000;
/** A watch that is taken up again goes back this far behind where it was: publication takes time, and clocks differ. */
export const WATCH_OVERLAP_S = CLOCK_SKEW_S;
/** A comment on a quiet stream, so that proxies (which wait a minute) and the reader know that it lives. */
export const STREAM_HEARTBEAT_MS = 15_000;
/** A stream ends after this: whoever goes on shows anew that they may, and a lost restriction lasts no longer. */
export const STREAM_LIFE_MS = 5 * MINUTE_S * 1_000;
/** A reader that takes nothing for this long is cut off. */
export const STREAM_STALL_MS = 30_000;
/** Streams of one reader: a device, or an administrator's token. */
export const STREAMS_PER_READER = 5;
/** Streams of one process: below what it takes of connections. */
export const STREAMS = 5_000;
/** One event's own data. Its fields are bounded one by one; this is the backstop. */
export const EVENT_DATA_BYTES = 16 * KIB;
/** Bytes of credentials that are kept as answers carry them: some 5,000 with their log proofs, each looked up often. */
export const WRITTEN_CREDENTIALS_BYTES = 32 * MIB;
/** Signed records of partners and of the own company that are kept as answers carry them; some 2 KB each. */
export const WRITTEN_RECORDS = 1_000;
/** Memory of long answers that is kept for the next ones: some thirty about a hundred addresses with their log proofs. */
export const SENT_BUFFERS_BYTES = 32 * MIB;
/**
 * Long answers that are being signed have no more bytes together: two about a thousand addresses with their log proofs.
 * More at once would be no faster, and each would take memory that the one before is about to give back.
 */
export const SIGNED_AT_ONCE_BYTES = 24 * MIB;
/** Long answers are sent by pieces of this size: what stands in memory once more, encrypted, for each reader. */
export const SENT_PIECE_BYTES = 256 * KIB;
/** Reads (look-ups) are committed in groups that are gathered for no longer than this, before the answers leave (section 8). */
export const READ_EVENT_GROUP_MS = 5;
/** Events get their `seq` no sooner than this after those before: one commit then serves several groups of reads. */
export const EVENT_SEQUENCING_MS = 50;
/** A year, which most rules of audit ask for, and a month to answer them in. */
export const EVENT_RETENTION_DAYS = 400;
/** The event log is signed this often while anything comes in: nobody has longer to alter what nobody else has seen. */
export const EVENT_CHECKPOINT_MS = 60_000;
/** And after so many events, under load. */
export const EVENT_CHECKPOINT_EVENTS = 10_000;
/** Whether a checkpoint is due is looked at this often: replicas count only the events that they place themselves. */
export const EVENT_CHECKPOINT_LOOK_MS = 10_000;
/** Events that one transaction takes into the tree: some ms, in which nobody else writes. Fewer would sync the disk more often. */
export const EVENT_TREE_BATCH = 2_000;
/** Hashes of events in one answer: 320 KiB. */
export const EVENT_HASHES = 10_000;
/** What is to be pruned is looked for this often. */
export const EVENT_PRUNING_LOOK_MS = HOUR_S * 1_000;
/** And pruned once in so long, so that the events that say so stay few. */
export const EVENT_PRUNING_MS = 20 * HOUR_S * 1_000;
/** Events pruned in one transaction: others wait for it. */
export const EVENTS_PRUNED = 500;
/** One pruning takes no more than the events of so long, so that a clock that is wrong costs no more than that a day. */
export const EVENT_PRUNING_SPAN_MS = 7 * DAY_S * 1_000;
/** A clock that differs by more from what it showed last is not believed: a bridge may be off for a weekend's two days. */
export const CLOCK_DOUBT_MS = 2 * DAY_S * 1_000;
/** Until it went on evenly for so long: a day, in which somebody can notice. */
export const CLOCK_DOUBT_LIFE_MS = DAY_S * 1_000;
/** Events that a sink may be behind: a weekend’s outage at a few each second; some GiB of disk. */
export const BUFFER_EVENTS = 1_000_000;
/** Less would give events up within the seconds of a receiver’s restart. */
export const BUFFER_EVENTS_MIN = 1_000;
/** More is a disk’s worth: a receiver that far behind is better filled by replays. */
export const BUFFER_EVENTS_MAX = 100_000_000;
/** The sequencer looks for staged entries this often when nobody wakes it. */
export const SEQUENCER_INTERVAL_MS = 1_000;
/** Entries that one epoch takes: keeps the sequencer's transaction short. */
export const SEQUENCER_BATCH = 1_000;
/** One request to a sink's receiver: nobody waits behind it, and indexers under load take their time. */
export const SINK_REQUEST_TIMEOUT_MS = 30_000;
/** A receiver's answer: 1,000 items, each refused with a long reason, are within it. */
export const SINK_ANSWER_BYTES = 4 * MIB;
/** Events in one request, before compression, where the receiver says no other bound: collectors take this by default. */
export const SINK_BATCH_BYTES = 4_000_000;
/** Splunk is asked no more often what it has indexed: replication takes some seconds. */
export const HEC_ACK_POLL_MS = 1_000;
// ---- delivery to sinks

/** Sinks of one bridge: each reads the events by itself and holds two batches of them in memory. */
export const SINKS = 20;
/** Events that are read for a sink at a time: some MiB where each is as large as it may be. */
export const SINK_EVENT_PAGE = 200;
/**
 * Text of the events of one batch, and of those that are read ahead meanwhile: 1,000 ordinary ones, or 60 as large as
 * they may be. So each sink holds some MiB, and most of it is gone before the garbage collector takes it for lasting.
 */
export const SINK_BATCH_CHARACTERS = MIB;
/** The tables of sinks and of replays are looked at this often when nobody wakes a replica. */
export const SINK_POLL_MS = 1_000;
/** A replica that delivers and writes nothing for this long is gone; another takes its place. */
export const SINK_LEASE_MS = 5_000;
/** A sink with nothing to take is let go of after this: an idle bridge writes nothing. */
export const SINK_IDLE_MS = 10_000;
/** One batch, from the first byte to the last word of the receiver. */
export const SINK_DELIVERY_MS = 60_000;
/**
 * One wait for what was sent to count as taken: longer than sinks wait by themselves, of which Splunk's may be told to
 * wait ten minutes. It ends the wait for one that hangs.
 */
export const SINK_SETTLING_MS = 11 * 60_000;
/** How far a sink’s place is stored behind what it took: so much comes twice after a crash. */
export const SINK_SAVING_MS = 100;
/** Events sent ahead of what counts as taken: they come again after a fault. */
export const SINK_UNSETTLED_EVENTS = 20_000;
/** The first pause after a fault is half of this on average, then twice that, and so on up to the longest. */
export const SINK_RETRY_MS = 200;
/** The longest pause: what comes after an outage arrives within a minute of its end. */
export const SINK_RETRY_MAX_MS = 60_000;
/** The longest pause that a receiver’s word for it (Retry-After) is taken for. */
export const SINK_RETRY_AFTER_MAX_S = 15 * MINUTE_S;
/** Between two reports of one kind about one sink: reports are delivered too, and must not feed on themselves. */
export const SINK_REPORT_MS = 60_000;
/** Failures in a row before it is reported: one is a hiccup. */
export const SINK_FAILURES_REPORTED = 3;
/** Refusals in a row, with nothing taken between, after which each waits like a fault: it may be all of the events. */
export const SINK_REFUSALS_IN_ROW = 20;
/** Faults in a row after which batches are narrowed to find whether an event provokes them: the pauses take a minute. */
export const SINK_FAULTS_IN_ROW = 10;
/** Times that one event fails by itself, while one that was taken before passes each time, until it is at fault. */
export const SINK_FAULT_ROUNDS = 3;
/** Refused events kept for each sink, the newest; those before them can be brought by a replay. */
export const SINK_DEAD_LETTERS = 10_000;
/** What a receiver says, cut. */
export const SINK_WORDS_LENGTH = 500;
/** Replays of one sink that run; and those that are remembered. */
export const SINK_REPLAYS = 10;
/** What sinks are behind is looked at this often. */
export const SINK_BUFFER_LOOK_MS = 10_000;
/** A sink with an event that waits longer than this, beyond what the sink waits by its settings, is behind. */
export const SINK_LAG_S = 10;
/** A part of a sink's copy that is read back: some twenty objects of a slow store. */
export const SINK_COPY_MS = 60_000;
/** A test event: an administrator waits behind it. */
export const SINK_TEST_MS = 15_000;
/** For the last events when the bridge stops, and for a transport to linger; orchestrators kill after 30 s. */
export const SINK_STOP_MS = 2_000;

// ---- signals that are sent (decision 0034)

/** A partner is told of whom it was answered about, or met, so long ago: no answer of ours is in use for longer. */
export const SIGNAL_CONTACT_LIFE_S = 30 * DAY_S;
/** A note of a contact is renewed when it is older than this: not with every look-up. */
export const SIGNAL_CONTACT_RENEWAL_S = DAY_S;
/** Signals that could not be delivered are given up after this; receivers of ours refuse older ones. */
export const SIGNAL_QUEUE_LIFE_S = 7 * DAY_S;
/** Signals that wait for one receiver: a company of 10,000 people, ten times over. */
export const SIGNAL_QUEUE_LENGTH = 100_000;
/** Events that become signals in one transaction. */
export const SIGNAL_EVENT_PAGE = 200;
/**
 * The place in the log is stored this many events late at most: where nothing became a signal, nothing is written. So many
 * events may be kept longer than they were to be.
 */
export const SIGNAL_PROGRESS_EVENTS = 1_000;
/** Signals of one receiver that are read, sent and forgotten together: so many come twice after a crash. */
export const SIGNAL_BATCH = 20;
/** Queues are looked through this often when nobody wakes the sender. */
export const SIGNAL_POLL_MS = 1_000;
/** How long a sender has a queue for itself without renewing it: longer than a batch that runs into its time limits. */
export const SIGNAL_LEASE_S = 60;
/** One push, from the first byte to the last; a batch ends after the first one that fails. */
export const SIGNAL_PUSH_TIMEOUT_MS = 10_000;
/** A receiver's answer is empty, or an error of some words (RFC 8935). */
export const SIGNAL_ANSWER_BYTES = 16 * KIB;
/** The longest pause before a receiver that fails is tried again. */
export const SIGNAL_RETRY_MAX_MS = MINUTE_S * 1_000;
/** What a receiver says of a refused signal, cut. */
export const SIGNAL_WORDS_LENGTH = 300;
/** Registered receivers: a SaaS provider or two, and those of a test. */
export const SIGNAL_RECEIVERS = 50;
/** How long a receiver’s token is valid: a year unless said otherwise, two at most. */
export const SIGNAL_RECEIVER_TOKEN_DAYS = { usual: 365, most: 730 };
/** The token before stays valid for a month at most: who exchanges it has had time by then. */
export const SIGNAL_RECEIVER_TOKEN_OVERLAP_HOURS = 30 * 24;
/** So long before its end it is told of. */
export const SIGNAL_RECEIVER_TOKEN_WARNING_S = 14 * DAY_S;
/** How often tokens are looked at. */
export const SIGNAL_RECEIVER_TOKEN_LOOK_MS = 15 * MINUTE_S * 1_000;
/** A receiver may ask for a verification this often, seconds. */
export const SIGNAL_VERIFICATION_INTERVAL_S = 10;
/** Subjects that a receiver took out of its stream. */
export const SIGNAL_EXCLUSIONS = 100_000;
/** Tokens in one answer to a poll. */
export const SIGNAL_POLL_SETS = 100;
/** A polled token is signed once in this time: 100 signatures are a third of a second of processor time. */
export const SIGNAL_TOKEN_LIFE_S = 5 * MINUTE_S;
/** A poll is held open this long: below what proxies wait for an answer. */
export const SIGNAL_LONG_POLL_MS = 20_000;

// ---- background work

/** Expired rows (sign-ins, nonces, request ids) are deleted this often. */
export const CLEAN_UP_INTERVAL_MS = 5 * MINUTE_S * 1_000;
/** Enrolments and device requests that ran out are ended this often: a device that waits for one learns of it. */
export const EXPIRY_INTERVAL_MS = MINUTE_S * 1_000;
/** Domains and partners whose check is due are looked for this often; one that failed is tried again then. */
export const RECHECK_INTERVAL_MS = HOUR_S * 1_000;
/** Values that are sealed anew in one transaction: others wait for it some tens of milliseconds. */
export const REENCRYPTION_BATCH = 200;
/** Looks at everything that is sealed, until one finds nothing more: a few are needed for what bridges seal meanwhile. */
export const REENCRYPTION_PASSES = 10;
/** The version of the policy in force is looked for this often when nobody wakes a replica: it has a second. */
export const POLICY_POLL_MS = 500;
/** A version that cannot be taken up is tried again after this: a clock or a key may have been behind. */
export const POLICY_RETRY_MS = 5_000;
/** Decisions that the engine could not make are reported no closer than this: there may be thousands a second. */
export const POLICY_FAILURE_REPORT_MS = 1_000;
/** The stored keys are looked at this often: a compromised key signs no longer than that after its rotation. */
export const KEYS_REFRESH_MS = 5_000;
/** How long the answer to a request id is kept for repeats: a client that comes later starts afresh. */
export const REQUEST_ID_LIFE_S = DAY_S;

// ---- the key log

/** Epochs are no closer than this: each costs a checkpoint, a commit and a round of the witnesses. */
export const KEY_LOG_EPOCH_MS = 250;
/** An enrolment waits so long for witnesses, by default: one that is awake answers in a tenth of it. */
export const KEY_LOG_WITNESS_WAIT_MS = 2_000;
/** Witnesses cosign an unchanged checkpoint anew this often: verifiers refuse old cosignatures. */
export const KEY_LOG_REFRESH_MINUTES = 60;
/** Witnesses, and auditors, of one log: each cosignature is in every staple, some 130 bytes. */
export const KEY_LOG_COSIGNERS = 16;
/** Logs that one bridge is a witness of by name, beside its partners’. */
export const KEY_LOG_WITNESSED = 1_000;
/** A cosignature is stored while it is fresh: one that is older comes from a clock that is wrong. */
export const COSIGNATURE_AGE_S = HOUR_S;
/** A witness looks its record up and signs: more is a witness that is down, and the next epoch asks it again. */
export const WITNESS_TIMEOUT_MS = 5_000;
/** A witness’s answer: some cosignature lines of 150 bytes, or a size, or words on what it refuses. */
export const WITNESS_ANSWER_BYTES = 16 * KIB;
/** Witnesses are looked after this often when nobody wakes them. */
export const WITNESS_LOOK_MS = 2_000;
/** A witness that failed is asked again after this, then after twice that, and so on up to the longest pause. */
export const WITNESS_RETRY_MS = 1_000;
/** The longest pause: a witness that comes back is used again within a minute. */
export const WITNESS_RETRY_MAX_MS = 60_000;
/** A log shows its checkpoint within this before it is cosigned for the first time: it waits less than WITNESS_TIMEOUT_MS. */
export const WITNESS_MEMORY_TIMEOUT_MS = 3_000;
/** What is sent to a witness: 63 hashes and a note with a hundred signatures. */
export const WITNESS_REQUEST_BYTES = 32 * KIB;
/** A checkpoint that witnesses have not cosigned by then is shown to everybody all the same. */
export const CHECKPOINT_LAG_MS = 60_000;
/** A checkpoint with the cosignatures that an auditor brings. */
export const COSIGNATURE_BYTES = 16 * KIB;
/** Fewer signatures of one turn of the event loop do not start a thread for them. */
export const SIGNATURES_WORTH_A_THREAD = 3;
/** Signatures of one message to the thread: it begins while the event loop reads on. */
export const SIGNATURES_OF_A_BATCH = 8;
/** More than this one thread is not given to make or verify at a time: some 10 ms of work. */
export const SIGNATURE_BACKLOG = 128;
/** After one that failed, another such thread is not started sooner than this. */
export const SIGNATURE_THREAD_RESTART_MS = 10_000;
/** The thread that signs and verifies ends after this without load, for which it is not worth a start: it holds some 10 MiB. */
export const SIGNATURE_THREAD_IDLE_MS = 10_000;
/** Threads that prove for the key log end after this without work: each holds some 10 MiB. */
export const VRF_WORKERS_IDLE_MS = 10_000;
/** Versions that one epoch takes: their proofs, some 4 ms each, must be there first, and others wait for the epoch. */
export const EPOCH_VERSIONS = 128;
/** So many versions make an epoch worth its cost at once: under load others' proofs are computed while it is signed. */
export const EPOCH_ENOUGH_VERSIONS = 32;
/** Proofs kept until their epoch is closed: those of several full epochs. */
export const VRF_PROOFS_AHEAD = 4_096;
/** Epochs back from the newest whose map can be read: one that waits for its witnesses is no older. */
export const MAP_EPOCHS_KEPT = 256;
/** Pages that are not needed any more are looked for this often. */
export const MAP_PRUNING_INTERVAL_MS = 10_000;
/** Checkpoints so much older than the newest are pruned: auditors replay within hours, and head files are looked at each time. */
export const CHECKPOINTS_KEPT_MS = 7 * DAY_S * 1_000;
/** Old checkpoints are looked for this often: even a busy log closes some thousand epochs meanwhile. */
export const CHECKPOINTS_PRUNING_INTERVAL_MS = 3_600_000;
/** Rows in one transaction. */
export const CHECKPOINTS_PRUNED = 500;
/** About so many pages, of half a KiB, are deleted in one transaction: others wait for it. */
export const MAP_PRUNED_PAGES = 1_000;
/** Pages of the map kept in memory: the upper ones of all, and those of some thousand names; 2 to 3 KiB each. */
export const MAP_PAGES_CACHED = 12_288;
/** Finished proofs kept in memory, some 5 KiB each: as many addresses as are looked up again and again. */
export const STAPLES_CACHED = 8_192;
/** How long finished proofs are kept, and with them what somebody may have asked another replica to forget. */
export const STAPLE_AGE_MS = 60_000;
/** Which checkpoints are the best is looked up again after this: all look-ups of the meantime share one answer. */
export const ANCHORS_AGE_MS = 200;
/** While it is not known whether the store is the newest, the witnesses are asked again this often. */
export const LOG_DOUBT_RETRY_MS = 10_000;
/** A clock may be this far behind the last epoch's time: replicas differ by less, and NTP corrects by less. */
export const EPOCH_CLOCK_SLACK_MS = 5_000;
/** An epoch this long after the last one is closed only by a clock that is believed: an error below costs a day at most. */
export const EPOCH_CLOCK_LEAP_MS = DAY_S * 1_000;
/** A clock that nothing else speaks for is believed after so long without a step: NTP sets one at a start within minutes. */
export const EPOCH_CLOCK_SETTLED_MS = 10 * 60_000;

// ---- sealed keys

/** A sealed key with its token: some 3 KiB; from another bridge with the evidence of its sealer, some 10. */
export const SEALED_KEY_BODY_BYTES = 64 * KIB;
/** The same as a signed request, with the durable groups of a person: base64url makes it a third longer. */
export const SEALED_KEY_DEPOSIT_BYTES = 128 * KIB;
/** A signed request to open a key: a few ids, and the durable groups of a person. */
export const KEY_OPENING_REQUEST_BYTES = 64 * KIB;
/** Its answer: the key, its token and the evidence of its sealer; exclusions of one person. */
export const KEY_OPENING_RESPONSE_BYTES = 256 * KIB;
/** The receipt for a sealed key: a few ids. */
export const SEALED_KEY_RECEIPT_BYTES = 8 * KIB;
/** A partner may have to wait for a thread itself before it answers; somebody waits for it here. */
export const KEY_OPENING_TIMEOUT_MS = 20_000;
/** Keys that people of one bridge seal to one recipient, those of a meeting's epochs apart. */
export const SEALED_KEYS_OF_BRIDGE = 20_000;
/** And those of one of them, so that nobody uses up what is for all. */
export const SEALED_KEYS_OF_PERSON = 5_000;
/** How old a sealer's signature may be when the key is stored: a device that was stolen later does not sign backwards. */
export const SEALED_KEY_AGE_S = HOUR_S;

// ---- transforms

/** Transforms that wait, of each priority, by default: some ten seconds of a small machine's work. */
export const TRANSFORMS_WAITING = 1_000;
/** The most that an operator can set it to: each holds a ciphertext and its keys, some 4 KiB. */
export const TRANSFORMS_WAITING_MAX = 100_000;
/** Joins in a row after which an asset that waits has its turn. */
export const JOINS_BEFORE_ASSET = 8;
/** Whoever is refused comes again after that at the latest: by then the queue has moved on. */
export const TRANSFORMS_RETRY_MAX_S = 30;
/** Threads that transform end after this without work: each holds some 40 MiB, and takes half a second to begin. */
export const TRANSFORM_WORKERS_IDLE_MS = 5 * MINUTE_S * 1_000;
/** At the stop, transforms under way may end within this; those who wait for them have been answered long before. */
export const TRANSFORMS_DRAIN_MS = 5_000;

// ---- auditing another bridge's log

/** A full tile of hashes: 256 of 32 bytes. */
export const LOG_TILE_BYTES = 8 * KIB;
/** A signed checkpoint: three lines and up to a hundred signatures of some 300 characters. */
export const AUDIT_CHECKPOINT_BYTES = 64 * KIB;
/** A bundle: 256 entries of the known kinds take 17 KiB; the rest is room to say what an unknown one looks like. */
export const AUDIT_BUNDLE_BYTES = 64 * KIB;
/** The largest log that is replayed: its map takes some 110 bytes of memory for each entry. A size is only claimed. */
export const AUDIT_LOG_ENTRIES = 2 ** 27;
/** Bundles fetched at once, ahead of the replay: hides the way there and back, and is no burden to a bridge. */
export const AUDIT_FETCHES = 8;
/** Of the answers of a log in one run, for evidence: some thousand bundles, which is many more than one epoch has. */
export const AUDIT_KEPT_BYTES = 32 * MIB;
/** A log that answers 429 is asked again after this. */
export const AUDIT_BUSY_PAUSE_MS = 10_000;
/** So often: together longer than the minute in which a bridge counts requests. */
export const AUDIT_BUSY_TRIES = 8;
/** Entries after which a replay keeps what it has, so that an interruption costs seconds. */
export const AUDIT_SAVE_ENTRIES = 65_536;
/** An auditor that watches cosigns a checkpoint again after this, so that clients see that it still looks. */
export const AUDIT_COSIGN_AGAIN_S = 15 * MINUTE_S;

// ---- the relay of meetings

/** The largest rekey message (384 KiB) with the key sealed anew and 200 placements of 1 KiB, as JSON. */
export const MEETING_REKEY_BODY_BYTES = 768 * KIB;
/** A presence proof with the credential that goes with it, log proof and cosignatures included. */
export const MEETING_PRESENCE_BODY_BYTES = 64 * KIB;
/** The same with a person's durable groups, signed once more by the bridge that passes it on: base64url makes it a third longer. */
export const MEETING_REQUEST_BYTES = 128 * KIB;
/** Devices of the home's own people in one meeting: the 10,000 participants that it is built for, some with two. */
export const MEETING_PARTICIPANTS = 20_000;
/** And of each partner's: what a bridge claims of its people must leave room for others. */
export const MEETING_PARTICIPANTS_OF_PARTNER = 10_000;
/** Epochs whose rekey messages are kept however many messages there are: newcomers answer them. */
export const MEETING_EPOCHS_KEPT = 16;
/** Presence proofs of one device for one meeting: a new one for each host, and for each time it lost its place. */
export const MEETING_PRESENCES_PER_MINUTE = 30;
/** Messages that a meeting keeps for who was away: whoever missed more takes the newest key by transform. */
export const MEETING_MESSAGES = 50_000;
/** Characters of all of them: a rekey message for 200 who join has some 100 Ki. */
export const MEETING_MESSAGES_LENGTH = 256 * MIB;
/** Messages that are read from the store at a time. */
export const MEETING_MESSAGE_PAGE = 256;
/** Messages kept in memory, of all meetings together, so that each is read once for all who listen. */
export const MEETING_MEMORY_LENGTH = 32 * MIB;
/** A meeting's next messages are looked for this often when nobody wakes its readers. */
export const MEETING_POLL_MS = LIVE_POLL_MS;
/**
 * A partner's question for the next messages is held open this long: below what proxies wait for an answer. A stream that
 * nothing came for tells its reader after this how far it is: what comes in between is read again by who comes back.
 */
export const MEETING_LONG_POLL_MS = 25_000;
/** Questions of one partner that are held open: one a meeting and replica. */
export const MEETING_LONG_POLLS_PER_PARTNER = 200;
/** Of all partners together: each holds a connection. */
export const MEETING_LONG_POLLS = 2_000;
/** Characters of one answer to it; a rekey message alone fits with its placements. */
export const MEETING_PAGE_LENGTH = MIB;
/** The whole signed answer: base64url, and a last message that goes beyond the page. */
export const MEETING_RESPONSE_BYTES = 4 * MIB;
/** A meeting that nobody listens to is followed for a little longer: whoever lost the connection comes back. */
export const MEETING_LINGER_MS = 5_000;
/** Who listens to a meeting is looked at again so long after a restriction, once for several in a row. */
export const MEETING_RECHECK_MS = 50;
/** A partner that does not answer the long question is asked again after this, then after twice that, and so on. */
export const MEETING_RETRY_MS = 1_000;
/** The longest of these pauses: people wait for the next key. */
export const MEETING_RETRY_MAX_MS = 15_000;
/** Meetings at partners that one device is noted in, until it leaves them or they must be over: thirty a day. */
export const MEETINGS_ABROAD_OF_DEVICE = 1_000;
/** Presence proofs that one transaction stores: many join at once, and all write the same row. */
export const MEETING_JOINS_TOGETHER = 100;

// ---- rates, per address of the caller unless said otherwise

/**
 * What begins a sign-in, a minute: the app's request and the browser's each count. Anybody can, and each is remembered. An
 * office behind one NAT makes a hundred sign-ins.
 */
export const SIGN_IN_RATE_PER_MINUTE = 300;
