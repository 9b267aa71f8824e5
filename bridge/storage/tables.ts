import type { AdministrationTables } from './tables/administration.ts';
import type { BindingTables } from './tables/binding.ts';
import type { DirectoryTables } from './tables/directory.ts';
import type { EventTables } from './tables/events.ts';
import type { FederationTables } from './tables/federation.ts';
import type { GroupTables } from './tables/groups.ts';
import type { IdentityTables } from './tables/identity.ts';
import type { KeyLogTables } from './tables/keylog.ts';
import type { MeetingTables } from './tables/meetings.ts';
import type { OAuthTables } from './tables/oauth.ts';
import type { OneTimeTables } from './tables/one-time.ts';
import type { PolicyTables } from './tables/policy.ts';
import type { SignalTransmitterTables } from './tables/signal-transmitters.ts';
import type { SignalTables } from './tables/signals.ts';
import type { SignerTables } from './tables/signer.ts';
import type { StorageTables } from './tables/storage.ts';
import type { TlogTables } from './tables/tlog.ts';
import type { WitnessTables } from './tables/witness.ts';

/**
 * Every table of the store. A context describes its own in tables/<context>.ts, adds that to the list here, and
 * creates them in a migration.
 */
export interface Tables
  extends AdministrationTables,
    PolicyTables,
    FederationTables,
    StorageTables,
    DirectoryTables,
    OneTimeTables,
    SignalTables,
    SignalTransmitterTables,
    SignerTables,
    TlogTables,
    WitnessTables,
    EventTables,
    KeyLogTables,
    MeetingTables,
    BindingTables,
    GroupTables,
    IdentityTables,
    OAuthTables {}
