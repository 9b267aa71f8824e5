import { beforeAll, describe, expect, it } from 'vitest';
import { labelled } from '../../protocol/canonical-json.ts';
import { loggedOwnRecord, loggedPartnerRecord } from '../../protocol/logged-records.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { type TrustChanges, trustChangesSchema, verifyTrustChanges } from '../../protocol/trust-changes.ts';
import { codeOf } from './codes.ts';
import { type Company, makeCompany, NOW } from './company.ts';
import { NO_TRUST } from './keytrans/acme-log.ts';
import { rawSigner, SmallKeyLog } from './keytrans/small-key-log.ts';

type Shown = TrustChanges['changes'][number];

const NAME = 'connection/c1';
const LOST = 'domain/lost.example';
const BY = { kind: 'administrator', id: 'ada' } as const;

let acme: Company;
let log: SmallKeyLog;
let honest: TrustChanges;
/** The checkpoint of the epoch that followed on what is shown. */
let later: string;
/** Version 0, of which nobody has anything any more, and 1, which says so. */
let recovered: Shown[];

const bytesOf = (version: number, name = NAME) =>
  labelled('trust-change', {
    ...{ iss: acme.iss, name, version, change: 'connection.updated', by: BY, at: NOW - 100 + version },
    state: { status: 'active' },
  });

beforeAll(async () => {
  acme = await makeCompany();
  log = new SmallKeyLog(logOrigin(acme.iss));
  const own = loggedOwnRecord({
    ...{ iss: acme.iss, root_thumbprint: acme.root.kid, domains: [acme.domain], version: 1 },
  });
  log.add(NAME, 0, bytesOf(0), 'trust-change');
  log.add(own.name, own.version, own.value, 'trust-change');
  log.add(NAME, 1, bytesOf(1), 'trust-change');
  const lost = { iss: acme.iss, kind: 'trust-change', name: LOST, version: 1, from: 0, to: 0, at: NOW - 60 };
  const marker = labelled('lost-versions', lost);
  log.add(LOST, 0, bytesOf(0, LOST), 'trust-change');
  log.add(LOST, 1, marker, 'trust-change');
  log.closeEpoch(NOW - 50);
  const note = await log.note(rawSigner(logOrigin(acme.iss), acme.keys.log));
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const entry = (name: string, version: number) => log.entryProof(note, name, version, 'trust-change');
  const newest = (name: string, version: number) => log.staple(note, name, version, 'trust-change');
  recovered = [
    { name: LOST, version: 0, value: null, version_proof: null },
    {
      name: LOST,
      version: 1,
      value: text(marker),
      version_proof: entry(LOST, 1),
      log_proof: newest(LOST, 1),
    },
  ];
  honest = {
    ...{ iss: acme.iss, online_keys: await acme.onlineKeysToken(), next: null },
    changes: [
      { name: NAME, version: 0, value: text(bytesOf(0)), version_proof: entry(NAME, 0) },
      {
        ...{ name: NAME, version: 1, value: text(bytesOf(1)), version_proof: entry(NAME, 1) },
        log_proof: newest(NAME, 1),
      },
      {
        ...{ name: own.name, version: 0, value: text(own.value), version_proof: entry(own.name, 0) },
        log_proof: newest(own.name, 0),
      },
    ],
  };
  log.add(NAME, 2, bytesOf(2), 'trust-change');
  log.closeEpoch(NOW - 20);
  later = await log.note(rawSigner(logOrigin(acme.iss), acme.keys.log));
});

const context = () => ({
  ...{ entityId: acme.iss, rootThumbprint: acme.root.kid, trust: NO_TRUST, now: NOW },
});
const refused = (shown: TrustChanges) => codeOf(() => verifyTrustChanges(shown, context()));
const withChanges = (changes: TrustChanges['changes']): TrustChanges => ({ ...honest, changes });

describe('a list of changes of trust', () => {
  it('says who changed what, when, and where it stands in the log', async () => {
    expect(trustChangesSchema.parse(honest)).toEqual(honest);
    const { changes, level } = await verifyTrustChanges(honest, context());
    expect(level).toBe('logged');
    expect(changes).toMatchObject([
      { name: NAME, version: 0, change: 'connection.updated', by: BY, at: NOW - 100, isNewest: false },
      { name: NAME, version: 1, isNewest: true, logged: { index: 3, epoch: 1, time: NOW - 50 } },
      { name: acme.iss, version: 0, change: null, by: null, at: null, isNewest: true },
    ]);
  });

  it('shows what waits for its epoch as what it is', async () => {
    const waiting = {
      name: 'domain/new',
      version: 0,
      value: new TextDecoder().decode(bytesOf(0, 'domain/new')),
    };
    const shown = withChanges([...honest.changes, { ...waiting, version_proof: null, log_proof: null }]);
    expect((await verifyTrustChanges(shown, context())).changes.at(-1)).toMatchObject({ logged: null });
  });

  it('takes what a recovered bridge wrote behind versions that are lost, and says that they are', async () => {
    const { changes } = await verifyTrustChanges(withChanges(recovered), context());
    expect(changes.slice(0, 2)).toMatchObject([
      { value: null, logged: null, by: null },
      { change: 'lost-versions', at: NOW - 60, isNewest: true, logged: { epoch: 1 } },
    ]);
    const [, marker] = recovered;
    const other = { ...honest.changes[0], value: marker?.value?.replace('lost-versions', 'policy') } as never;
    expect(await refused(withChanges([other]))).toBe('log_proof');
  });

  it('is refused where a change is hidden by saying that it is lost, and the log does not say so', async () => {
    const [first, second, own] = honest.changes as [Shown, Shown, Shown];
    const hidden = ({ name, version }: Shown) => ({ name, version, value: null, version_proof: null });
    expect(await refused(withChanges([first, hidden(second), own]))).toBe('log_proof');
    expect(await refused(withChanges([hidden(first), second, own]))).toBe('log_proof');
    const [lost, marker] = recovered as [Shown, Shown];
    const waiting = { ...marker, version_proof: null, log_proof: null };
    expect(await refused(withChanges([lost, waiting]))).toBe('log_proof');
  });

  it('is refused where the newest version is left out', async () => {
    const [first, , own] = honest.changes as [never, never, never];
    expect(await refused(withChanges([first, own]))).toBe('log_proof');
  });

  it('is refused where an earlier version is left out, or comes again under the same name', async () => {
    const [first, second, own] = honest.changes as [never, never, never];
    expect(await refused(withChanges([second, own]))).toBe('log_proof');
    expect(await refused(withChanges([first, second, own, first]))).toBe('log_proof');
  });

  it('is refused where a value was changed, though it says the same of itself', async () => {
    const changes = honest.changes.map((each) => ({
      ...each,
      value: each.value?.replace('"ada"', '"bob"') ?? null,
    }));
    expect(await refused(withChanges(changes))).toBe('log_proof');
  });

  it('says as of which epoch the newest are that: one behind it is hidden by an older proof alone', async () => {
    const [first, second] = honest.changes as [Shown, Shown];
    const newest = { ...second, version_proof: log.entryProof(later, NAME, 1, 'trust-change') };
    const { asOf } = await verifyTrustChanges(withChanges([first, newest]), context());
    // version 2 came with epoch 2
    expect(asOf).toEqual({ epoch: 1, time: NOW - 50 });
  });

  it('is refused where an older version is shown as if it were the newest', async () => {
    const [first, second] = honest.changes;
    const older = { ...first, log_proof: second?.log_proof } as TrustChanges['changes'][number];
    expect(await refused(withChanges([older]))).toBe('log_proof');
  });

  it('is refused under another root, and for another bridge', async () => {
    const globex = await makeCompany('globex', 'bob');
    const rooted = { ...context(), rootThumbprint: globex.root.kid };
    expect(await codeOf(() => verifyTrustChanges(honest, rooted))).toBe('root_mismatch');
    const other = { ...context(), entityId: globex.iss };
    expect(await codeOf(() => verifyTrustChanges(honest, other))).toBe('jws_issuer');
  });
});

describe('What the log commits to of a company', () => {
  it('is these bytes', () => {
    const text = ({ value }: { readonly value: Uint8Array }) => new TextDecoder().decode(value);
    const record = { iss: 'https://a.example', root_thumbprint: 'ROOT', domains: ['a.example'], version: 3 };
    expect(loggedOwnRecord(record)).toMatchObject({ kind: 'trust-change', name: record.iss, version: 2 });
    expect(text(loggedOwnRecord(record))).toBe(
      'countersign/trust-change/v1\n' +
        '{"domains":["a.example"],"iss":"https://a.example","root_thumbprint":"ROOT","version":3}',
    );
    const pinned = { ...record, entity_id: 'https://b.example', status: 'suspended' as const };
    expect(loggedPartnerRecord(pinned)).toMatchObject({ name: 'https://b.example', version: 2 });
    expect(text(loggedPartnerRecord(pinned))).toBe(
      'countersign/trust-change/v1\n{"domains":["a.example"],"entity_id":"https://b.example",' +
        '"iss":"https://a.example","root_thumbprint":"ROOT","status":"suspended","version":3}',
    );
  });
});
