/** Tables of the policy. Times in seconds, but for `policy_decisions`, in milliseconds. */
export interface PolicyTables {
  policy_versions: PolicyVersionsTable;
  policy_drafts: PolicyDraftsTable;
  policy_approvals: PolicyApprovalsTable;
  policy_decisions: PolicyDecisionsTable;
}

/** Every version that was ever in force; the highest is in force. A row is never changed. */
export interface PolicyVersionsTable {
  /** As in the key log, from 0. */
  version: number;
  /** SHA-256 of the canonical document, base64url. One hash may have several versions: after a roll-back. */
  hash: string;
  /** Canonical JSON of the content. */
  content: string;
  /** `policy-bundle+jwt` over it. */
  bundle: string;
  activated: number;
  /** The administrator's id and name as JSON, or `"system"`. */
  activated_by: string;
  /** The draft that it was; null for the first one, and after a roll-back. */
  draft: string | null;
}

export interface PolicyDraftsTable {
  /** UUIDv7. */
  id: string;
  hash: string;
  content: string;
  /** The version in force when it was made; it can come into force only while that is. */
  based_on: number;
  /** Why, in its author's words. */
  note: string;
  author: string;
  author_name: string;
  /** The author’s first token and its name, as they were then: once the author’s token has ended, nothing else tells. */
  author_root: string;
  author_root_name: string;
  /** The most administrators that could take part since it was made, as far as was looked. */
  administrators: number;
  created: number;
  status: 'open' | 'activated' | 'discarded';
}

export interface PolicyApprovalsTable {
  draft: string;
  administrator: string;
  administrator_name: string;
  /** Their first token and its name, as they were then. */
  root: string;
  root_name: string;
  approved: number;
}

/** What was decided lately, for explanations and trial runs; forgotten after a while, and with the people in it. */
export interface PolicyDecisionsTable {
  /** UUIDv7. */
  id: string;
  decided: number;
  action: string;
  effect: 'allow' | 'deny';
  policy: string;
  hash: string;
  /** Ids of who asked, and of what it was about. */
  principal: string;
  resource: string;
  owner: string | null;
  /** The whole request, as JSON. */
  request: string;
  /** The whole decision, as JSON. */
  answer: string;
  /** How often the same was decided within the moment that the row stands for. */
  times: number;
}
