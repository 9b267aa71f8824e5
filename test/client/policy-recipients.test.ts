import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { VerifiedGroup } from '../../client/index.ts';
import { concatBytes, utf8 } from '../../protocol/bytes.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { readAssetHeader } from '../../protocol/groups/asset-chunks.ts';
import { expectCode } from '../binding/expect-code.ts';
import { changeRecipients } from './change-policy.ts';
import { type GroupsStage, type Lie, startGroupsStage } from './groups-stage.ts';

const FILE = utf8('Ada has finished her trial period.');
const STAFF = { category: 'staff', sensitivity: 'low', dataSubject: 'ada@acme.example' };
const BOARD = { category: 'board', sensitivity: 'low' };

let stage: GroupsStage;
/** Gwen’s, at Globex; Hal, of Globex too, is in neither. */
let personnel: VerifiedGroup;
let board: VerifiedGroup;

beforeAll(async () => {
  stage = await startGroupsStage();
  const { gwen, ada } = stage;
  personnel = await gwen.client.groups.create({ kind: 'durable', label: 'Personnel' });
  board = await gwen.client.groups.create({ kind: 'durable', label: 'Board' });
  await gwen.client.groups.add(board, { people: [ada.address] });
  await changeRecipients(stage.stage, stage.globex, recipients());
}, 120_000);
afterAll(() => stage.close());
afterEach(() => stage.hal.lies.clear());

/** Files of the staff are for the personnel department and whom they are about, the board’s for the board. */
function recipients(): string {
  const permit = (id: string, named: string, order: number, category: string) => `@id("${id}")
    @reason("A test.") @order("${order}") @recipients("${named}")
    permit (principal is Countersign::Person, action == Countersign::Action::"receive", resource is Countersign::Data)
    when { resource.category == "${category}" };`;
  return [
    '// @id("staff") @order("1") @recipients("%LOGGED_IN_USER%") permit (principal, action, resource);',
    permit('staff', `group:${personnel.group}, %USER%`, 10, 'staff'),
    permit('everything-of-the-staff', `group:${board.group}`, 20, 'staff'),
    permit('board', `group:${board.group}`, 30, 'board'),
    permit('own', '%LOGGED_IN_USER%', 40, 'notes'),
    permit('gone', `group:${'A'.repeat(43)}`, 50, 'gone'),
  ].join('\n');
}

async function all(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return concatBytes(...pieces);
}

/** What Hal seals, as it lies in a file. */
async function sealed(policy: typeof STAFF | typeof BOARD): Promise<Uint8Array> {
  return all((await stage.hal.client.assets.seal(FILE, { to: { policy } })).stream);
}

describe('what is sealed to whom policy names', () => {
  it('is opened by the group and by the person whom it is about, and by nobody else', async () => {
    const { hal, gwen, ada } = stage;
    const asset = await sealed(STAFF);
    for (const reader of [gwen, ada]) {
      const { stream, sealer } = await reader.client.assets.open(asset, { sealer: hal.address });
      expect(await all(stream)).toEqual(FILE);
      expect(sealer.address).toBe(hal.address);
    }
    await expectCode(hal.client.assets.open(asset), 'group_untrusted');
  });

  it('names in its header each who can open it, and tells the app by which policy', async () => {
    const { hal } = stage;
    const made = await hal.client.assets.seal(FILE, { to: { policy: STAFF } });
    expect(made.policy).toMatchObject({ id: 'staff', text: expect.stringContaining('@order("10")') });
    expect(made.to).toEqual({ iss: personnel.iss, group: personnel.group });
    const [about] = made.also;
    expect(about?.to).toMatchObject({ iss: stage.ada.issuer });
    const { header } = await readAssetHeader(made.stream);
    expect(header).toMatchObject({ to: made.to, keyId: made.keyId, also: made.also });
  });

  it('is for the first policy that fits alone', async () => {
    const { groups, people } = await stage.hal.client.assets.recipients(STAFF);
    expect(groups.map(({ group }) => group)).toEqual([personnel.group]);
    expect(people).toEqual([stage.ada.address]);
  });

  it('can be for whoever seals it alone', async () => {
    const { hal, gwen } = stage;
    const { stream } = await hal.client.assets.seal(FILE, {
      to: { policy: { category: 'notes', sensitivity: 'low' } },
    });
    const asset = await all(stream);
    expect(await all((await hal.client.assets.open(asset)).stream)).toEqual(FILE);
    await expectCode(gwen.client.assets.open(asset), 'sealed_key_mismatch');
  });

  it('is not opened by a member who was removed', async () => {
    const { hal, gwen, ada } = stage;
    const asset = await sealed(BOARD);
    const expected = { from: { ...board, expected: gwen.address }, sealer: hal.address };
    expect(await all((await ada.client.assets.open(asset, expected)).stream)).toEqual(FILE);
    await gwen.client.groups.remove(board, { people: [ada.address] });
    await expectCode(ada.client.assets.open(asset, expected), 'group_unknown');
    const later = await sealed(BOARD);
    await expectCode(ada.client.assets.open(later, expected), 'group_unknown');
  });

  it('may be many assets under one key', async () => {
    const { hal, gwen } = stage;
    const key = await hal.client.groups.sealKey({ policy: STAFF });
    const asset = await all((await hal.client.assets.seal(FILE, { key })).stream);
    const { stream } = await gwen.client.assets.open(asset, { sealer: hal.address });
    expect(await all(stream)).toEqual(FILE);
  });

  it.each<[string, { category: string; sensitivity: string; dataSubject?: string }, ErrorCode]>([
    ['no policy names anybody', { category: 'recipe', sensitivity: 'low' }, 'recipients_none'],
    ['nobody said whom it is about', { category: 'staff', sensitivity: 'low' }, 'malformed_request'],
    ['the policy names a group that is not there', { category: 'gone', sensitivity: 'low' }, 'group_unknown'],
    ['it is about nobody', { ...STAFF, dataSubject: 'nobody@acme.example' }, 'person_unknown'],
    ['its category is no word', { category: 'Staff files', sensitivity: 'low' }, 'malformed_request'],
  ])('is not sealed where %s', async (_, policy, code) => {
    const { hal } = stage;
    hal.requests.length = 0;
    await expectCode(hal.client.assets.seal(FILE, { to: { policy } }), code);
    expect(hal.requests).not.toContain('POST /v1/sealed-keys');
  });
});

describe('a bridge that lies about whom policy names', () => {
  const lying = (how: Lie) => stage.hal.lies.set('POST /v1/policy/recipients', how);
  const recipientsIn = (body: Record<string, unknown>) => body.recipients as Record<string, unknown>[];

  /** What it answers honestly about the board. */
  async function aboutTheBoard(): Promise<Record<string, unknown>> {
    let told: Record<string, unknown> = {};
    lying(({ body }) => {
      told = body;
      return body;
    });
    await stage.hal.client.assets.recipients(BOARD);
    return told;
  }

  it.each<[string, (honest: Record<string, unknown>, board: Record<string, unknown>) => object, ErrorCode]>([
    [
      'puts another group in the place of the policy’s',
      (honest, other) => ({ recipients: [...recipientsIn(other), ...recipientsIn(honest).slice(1)] }),
      'bridge_invalid',
    ],
    [
      'adds a group',
      (honest, other) => ({ recipients: [...recipientsIn(honest), ...recipientsIn(other)] }),
      'bridge_invalid',
    ],
    [
      'adds a person',
      (honest) => ({ recipients: [...recipientsIn(honest), { address: 'gwen@globex.example' }] }),
      'bridge_invalid',
    ],
    ['leaves somebody out', (honest) => ({ recipients: recipientsIn(honest).slice(0, 1) }), 'bridge_invalid'],
    ['names another policy than the one it follows', () => ({ policy: 'board' }), 'bridge_invalid'],
    ['names a policy that is not there', () => ({ policy: 'absent' }), 'policy_bundle_invalid'],
    ['names a policy that it never had', () => ({ hash: 'A'.repeat(43) }), 'policy_unknown'],
  ])('is found out when it %s', async (_, change, code) => {
    const other = await aboutTheBoard();
    lying(({ body }) => ({ ...body, ...change(body, other) }));
    await expectCode(stage.hal.client.assets.seal(FILE, { to: { policy: STAFF } }), code);
  });

  it('is found out when it shows another key for the group, however it is signed', async () => {
    const [other] = recipientsIn(await aboutTheBoard());
    lying(({ body }) => {
      const [named, ...rest] = recipientsIn(body);
      const shown = { ...(other?.group as object), group: personnel.group };
      return { ...body, recipients: [{ ...named, group: shown }, ...rest] };
    });
    await expectCode(stage.hal.client.assets.recipients(STAFF), 'group_key_mismatch');
  });

  it('is found out when it follows a policy that is not in force any more', async () => {
    const { hal, gwen } = stage;
    const about = await aboutTheBoard();
    await changeRecipients(stage.stage, stage.globex, recipients().replaceAll(board.group, personnel.group));
    expect((await gwen.client.assets.recipients(BOARD)).groups).toMatchObject([{ group: personnel.group }]);
    lying(() => about);
    await expectCode(hal.client.assets.recipients(BOARD), 'version_rollback');
    await changeRecipients(stage.stage, stage.globex, recipients());
    expect((await hal.client.assets.recipients(BOARD)).groups).toMatchObject([{ group: board.group }]);
  });
});
