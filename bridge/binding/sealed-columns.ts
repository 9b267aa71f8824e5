import { numberOf, type SealedColumn, textOf } from '../signer/sealed-columns.ts';
import { enrolmentContext } from './enrolment-state.ts';
import { escrowContext } from './escrow-checks.ts';
import { keptContext } from './kept-escrow-content.ts';
import { shareContext, transformKeyContext } from './transform-keys.ts';

/** What is kept sealed of persons, their devices and their enrolments. */
export const BINDING_COLUMNS: readonly SealedColumn[] = [
  {
    ...{ table: 'person_keys', column: 'share', key: ['sub'], reads: ['key_version'] },
    context: (row) => shareContext({ sub: textOf(row, 'sub'), keyVersion: numberOf(row, 'key_version') }),
  },
  {
    ...{ table: 'person_keys', column: 'escrow', key: ['sub'], reads: ['key_version'] },
    context: (row) => escrowContext({ sub: textOf(row, 'sub'), keyVersion: numberOf(row, 'key_version') }),
  },
  {
    ...{ table: 'kept_escrows', column: 'sealed', key: ['id'], reads: ['sub', 'key_version'] },
    context: (row) => keptContext({ sub: textOf(row, 'sub'), keyVersion: numberOf(row, 'key_version') }),
  },
  {
    ...{ table: 'devices', column: 'transform_key', key: ['device_id'], reads: ['sub', 'key_version'] },
    context: (row) =>
      transformKeyContext({
        ...{ sub: textOf(row, 'sub'), deviceId: textOf(row, 'device_id') },
        keyVersion: numberOf(row, 'key_version'),
      }),
  },
  {
    ...{ table: 'enrolments', column: 'sealed', key: ['enrolment_id'], reads: ['sub'] },
    context: (row) => enrolmentContext(textOf(row, 'sub'), textOf(row, 'enrolment_id')),
  },
];
