/** One metric as it is documented: docs/guides/metrics.md shows this table. */
interface MetricKind {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly doc: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, seconds. */
  readonly buckets?: readonly number[];
}

/**
 * Every metric of ours. A name is never given another meaning. Labels hold no person, address or device: whoever reads
 * metrics learns how much happens, not to whom.
 */
export const METRICS = {
  countersign_http_request_duration_seconds: {
    type: 'histogram',
    doc: 'Requests answered, by the pattern of the route, never the path that was sent. A stream is answered when it begins.',
    labels: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  countersign_open_streams: {
    type: 'gauge',
    doc: 'Event streams that are open now.',
    labels: ['route'],
  },
  countersign_sign_ins_total: {
    type: 'counter',
    doc: 'Sign-ins. `code` is the error code of what was refused, else `none`.',
    labels: ['protocol', 'outcome', 'code'],
  },
  countersign_enrolments_total: {
    type: 'counter',
    doc: 'Enrolments by `step`: `offered`, `confirmed`, `expired`.',
    labels: ['step'],
  },
  countersign_lookup_results_total: {
    type: 'counter',
    doc: 'Addresses looked up here, by who asked (`person`, `partner`) and what each was answered.',
    labels: ['asker', 'result'],
  },
  countersign_partner_requests_total: {
    type: 'counter',
    doc: 'Our requests to a partner: `answered`, or the code of each fault.',
    labels: ['partner', 'outcome'],
  },
  countersign_events_total: {
    type: 'counter',
    doc: 'Security events that this process gave their place in the log: summed over replicas, each is counted once.',
    labels: ['type'],
  },
  countersign_events_staged: {
    type: 'gauge',
    doc: 'Security events that are stored and have no place in the log yet. It returns to 0 within milliseconds.',
    labels: [],
  },
  countersign_key_log_staged: {
    type: 'gauge',
    doc: 'Entries of the key log that are stored and not yet in force.',
    labels: [],
  },
  countersign_key_log_size: {
    type: 'gauge',
    doc: 'Entries of the key log under its newest signed checkpoint.',
    labels: [],
  },
  countersign_key_log_epoch_age_seconds: {
    type: 'gauge',
    doc: 'Since the newest epoch of the key log. It grows while nothing is logged.',
    labels: [],
  },
  countersign_key_log_quorum_age_seconds: {
    type: 'gauge',
    doc: 'Since the quorum of witnesses last cosigned the newest checkpoint that it has: what verifiers bound. Absent without a quorum.',
    labels: [],
  },
  countersign_key_log_quorum_missing_seconds: {
    type: 'gauge',
    doc: 'How long the oldest checkpoint behind that has waited for the quorum; 0 where there is none.',
    labels: [],
  },
  countersign_key_log_witness_state: {
    type: 'gauge',
    doc: '1 for the state that each witness is in: `unknown`, `cosigning`, `failing`, `ahead`, `contradicted`; else 0.',
    labels: ['witness', 'state'],
  },
  countersign_witness_refusing: {
    type: 'gauge',
    doc: '1 while this bridge, as the witness of others, cosigns nothing because its store is a restored backup; else 0. Absent where it is none.',
    labels: [],
  },
  countersign_key_log_auditor_age_seconds: {
    type: 'gauge',
    doc: 'Since each auditor last cosigned. Absent before it has.',
    labels: ['auditor'],
  },
  countersign_key_log_proofs_total: {
    type: 'counter',
    doc: 'Log proofs handed out with credentials, by the bridge’s own quorum of witnesses: `met`, `missed`, or `none` demanded.',
    labels: ['quorum'],
  },
  countersign_key_log_vrf_duration_seconds: {
    type: 'histogram',
    doc: 'VRF proofs computed for the key log, the wait for a thread included.',
    labels: [],
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  },
  countersign_event_sink_lag: {
    type: 'gauge',
    doc: 'Events that a sink has not taken yet. What is said of sinks is read from the store, the same in every replica: take the maximum, not the sum.',
    labels: ['sink'],
  },
  countersign_event_sink_lag_seconds: {
    type: 'gauge',
    doc: 'Age of the oldest event that a sink has not taken yet; 0 where there is none.',
    labels: ['sink'],
  },
  countersign_event_sink_buffer_ratio: {
    type: 'gauge',
    doc: 'What a sink is behind, of what it may be: at 1 the oldest events are given up for it.',
    labels: ['sink'],
  },
  countersign_event_sink_failures: {
    type: 'gauge',
    doc: 'Tries of a sink that failed since the last one that went well.',
    labels: ['sink'],
  },
  countersign_event_sink_dead_letters: {
    type: 'gauge',
    doc: 'Events that the receiver of a sink refuses, kept to be sent again.',
    labels: ['sink'],
  },
  countersign_event_sink_dead_letters_forgotten_total: {
    type: 'counter',
    doc: 'Refused events of a sink that were forgotten, the oldest first, because there were too many.',
    labels: ['sink'],
  },
  countersign_event_sink_delivered_total: {
    type: 'counter',
    doc: 'Events that a sink has taken since it was made.',
    labels: ['sink'],
  },
  countersign_signals_queued_total: {
    type: 'counter',
    doc: 'Signals made for others, by who gets them: `partner`, or a receiver by `push` or `poll`. What is said of signals to others is read from the store, of the receivers that there are: take the maximum of the replicas, not the sum.',
    labels: ['kind'],
  },
  countersign_signals_delivered_total: {
    type: 'counter',
    doc: 'Signals that were taken.',
    labels: ['kind'],
  },
  countersign_signals_given_up_total: {
    type: 'counter',
    doc: 'Signals that were refused for good, or not taken in time.',
    labels: ['kind'],
  },
  countersign_signals_waiting: {
    type: 'gauge',
    doc: 'From the oldest signal that waits to the newest, summed over the queues; what is kept for a paused stream counts.',
    labels: ['kind'],
  },
  countersign_signal_lag_seconds: {
    type: 'gauge',
    doc: 'Age of the oldest signal that waits; 0 where there is none.',
    labels: ['kind'],
  },
  countersign_signal_queues_failing: {
    type: 'gauge',
    doc: 'Partners or receivers whose last try failed.',
    labels: ['kind'],
  },
  countersign_signal_receiver_token_remaining_seconds: {
    type: 'gauge',
    doc: 'Until the token of a receiver ends, by its id; below 0 it has ended.',
    labels: ['receiver'],
  },
  countersign_signals_received_total: {
    type: 'counter',
    doc: 'Signals that came, from a `partner` or the identity provider of a `connection`: `code` is the error code of what was refused, else `none`. One that was taken before is not counted again.',
    labels: ['sender', 'outcome', 'code'],
  },
  countersign_transform_duration_seconds: {
    type: 'histogram',
    doc: 'Operations of the proxy re-encryption engine.',
    labels: ['operation', 'engine'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
  },
  countersign_transform_jobs_waiting: {
    type: 'gauge',
    doc: 'Transforms that wait for a thread: `join` or `asset`.',
    labels: ['priority'],
  },
  countersign_transform_job_duration_seconds: {
    type: 'histogram',
    doc: 'Transforms done, of one to three hops: `waiting` for a thread, and `working` in it.',
    labels: ['priority', 'part'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  countersign_transform_job_failures_total: {
    type: 'counter',
    doc: 'Transforms not done, by error code: `overloaded` were refused because too many wait.',
    labels: ['priority', 'code'],
  },
  countersign_database_errors_total: {
    type: 'counter',
    doc: 'What the database could not do, by error code.',
    labels: ['code'],
  },
  countersign_cache_errors_total: {
    type: 'counter',
    doc: 'What the cache could not do, by error code.',
    labels: ['code'],
  },
  countersign_online_keys_remaining_seconds: {
    type: 'gauge',
    doc: 'Until the online keys expire: rotate them before it is 0.',
    labels: [],
  },
  countersign_encryption_key_age_seconds: {
    type: 'gauge',
    doc: 'How long the key-encryption key has sealed, as far as bridges have seen it.',
    labels: [],
  },
  countersign_domains: { type: 'gauge', doc: 'Domains by status.', labels: ['status'] },
  countersign_partners: { type: 'gauge', doc: 'Partners by status.', labels: ['status'] },
  countersign_ready: {
    type: 'gauge',
    doc: '1 while `/health/ready` answers 200, else 0.',
    labels: [],
  },
  countersign_degraded: {
    type: 'gauge',
    doc: '1 while `/health/ready` says `degraded`: reachable, with something standing still; else 0.',
    labels: [],
  },
} as const satisfies Record<string, MetricKind>;

export type MetricName = keyof typeof METRICS;
