import { BINDING_COLUMNS } from '../binding/sealed-columns.ts';
import { SINK_SETTINGS } from '../events/sinks/sealed-settings.ts';
import { GROUP_COLUMNS } from '../groups/sealed-columns.ts';
import { CONNECTION_SECRETS } from '../identity/connectors.ts';
import { LOG_SECRETS } from '../keylog/vrf-key.ts';
import { RECEIVER_KEYS } from '../signals/receiver-keys.ts';
import { STREAM_SECRETS } from '../signals/stream-secrets.ts';
import { SAML_KEYS } from '../signer/saml-keys.ts';
import type { SealedColumn } from '../signer/sealed-columns.ts';
import { SIGNING_KEYS } from '../signer/stored-keys.ts';
import { WITNESS_KEYS } from '../tlog/witness-key.ts';

/** Everything that rests sealed in the store, as each context says it beside its own. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  SIGNING_KEYS,
  SAML_KEYS,
  LOG_SECRETS,
  WITNESS_KEYS,
  CONNECTION_SECRETS,
  SINK_SETTINGS,
  RECEIVER_KEYS,
  STREAM_SECRETS,
  ...BINDING_COLUMNS,
  ...GROUP_COLUMNS,
];
