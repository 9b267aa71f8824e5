import { numberOf, type SealedColumn, textOf } from '../signer/sealed-columns.ts';
import { offerContext } from './offer-state.ts';
import { groupShareContext, memberKeyContext } from './sealed-group-keys.ts';

/** What is kept sealed of groups and of who is in them. */
export const GROUP_COLUMNS: readonly SealedColumn[] = [
  {
    ...{ table: 'groups', column: 'share', key: ['group_id'], reads: ['key_version'] },
    context: (row) =>
      groupShareContext({ group: textOf(row, 'group_id'), keyVersion: numberOf(row, 'key_version') }),
  },
  {
    ...{ table: 'group_members', column: 'transform_key', key: ['group_id', 'kind', 'iss', 'member_id'] },
    reads: ['key_version', 'group_key_version'],
    context: (row) =>
      memberKeyContext({
        ...{
          group_id: textOf(row, 'group_id'),
          iss: textOf(row, 'iss'),
          member_id: textOf(row, 'member_id'),
        },
        kind: textOf(row, 'kind') === 'group' ? 'group' : 'person',
        key_version: numberOf(row, 'key_version'),
        group_key_version: numberOf(row, 'group_key_version'),
      }),
  },
  {
    ...{ table: 'group_offers', column: 'sealed', key: ['offer_id'], reads: ['sub'] },
    context: (row) => offerContext(textOf(row, 'sub'), textOf(row, 'offer_id')),
  },
];
