/** Tables of bridge/meetings. Times in seconds; JSON as text. */
export interface MeetingTables {
  meetings: MeetingsTable;
  meeting_messages: MeetingMessagesTable;
  meeting_participants: MeetingParticipantsTable;
  meeting_places: MeetingPlacesTable;
  meetings_abroad: MeetingsAbroadTable;
  meeting_progress: MeetingProgressTable;
}

/** The relay of a meeting whose group is kept here: how far it is, and who is its host. */
export interface MeetingsTable {
  group_id: string;
  status: 'open' | 'ended';
  /** Of the newest rekey message; 0 before the first. */
  term: number;
  epoch: number;
  /** sha256 of the newest `meeting-rekey+jwt`, and the token itself: null before the first, the token at the end too. */
  head: string | null;
  rekey: string | null;
  /** The `meeting-admission+jwt` that it names; null where it names none. */
  admission: string | null;
  /** Whose messages count in this term. */
  host_sub: string | null;
  host_device: string | null;
  /** Of the newest message: one count for all readers of the meeting, from 1, without gaps. */
  seq: number;
  /** The newest event about its group that its readers were told of. */
  told: number;
  /** Messages up to here are deleted. */
  pruned: number;
  /** Characters of the messages that are kept. */
  size: number;
}

/** What is relayed, until the meeting ends. */
export interface MeetingMessagesTable {
  group_id: string;
  seq: number;
  kind: 'rekey' | 'placement' | 'presence' | 'left' | 'group' | 'ended';
  /** Bridge and device that it is for (placement) or about (presence, left); null where it is for all. */
  iss: string | null;
  device_id: string | null;
  /** Of a rekey message. */
  epoch: number | null;
  /** JSON of what is said; of a presence, the evidence stands with the participant. */
  body: string;
  /** Characters of `body`. */
  size: number;
}

/** Devices that proved their presence and did not leave since. */
export interface MeetingParticipantsTable {
  group_id: string;
  /** The bridge of the person. */
  iss: string;
  device_id: string;
  sub: string;
  /** JSON of the durable groups at their own bridge by which it says that they take part. */
  via: string;
  /** JSON of what they showed: address, proof, credential, device binding. */
  evidence: string;
  /** Of the message that told of it. */
  seq: number;
}

/** Who has a place in the tree, as the host's messages say. */
export interface MeetingPlacesTable {
  group_id: string;
  leaf: number;
  iss: string;
  sub: string;
  device_id: string;
}

/** Devices of ours in meetings that partners keep. Whoever must leave stands here until the home has heard of it. */
export interface MeetingsAbroadTable {
  /** The bridge that keeps the meeting. */
  home: string;
  group_id: string;
  device_id: string;
  sub: string;
  noted: number;
  /** 1: the home is to be told that the device had to leave. */
  leaving: number;
}

/** How far the log of events was told to meetings here: one row at most. */
export interface MeetingProgressTable {
  id: number;
  /** Whatever concerns them is told up to here. */
  seq: number;
}
