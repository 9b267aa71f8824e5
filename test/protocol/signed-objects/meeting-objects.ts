import { sha256Base64url } from '../../../protocol/hash.ts';
import {
  type AdmissionClaims,
  signAdmission,
  verifyAdmission,
} from '../../../protocol/meetings/admission.ts';
import { verifyRekey } from '../../../protocol/meetings/rekey-message.ts';
import { type Company, NOW, testDigest } from '../company.ts';
import { GLOBEX, GROUP, HOME } from '../meetings/meeting.ts';
import { type SignedObject, testBytes } from './signed-object.ts';

const HOST = { iss: HOME, sub: 'sub-alice', group: GROUP };

export const ADMISSION_CLAIMS: AdmissionClaims = {
  ...{ v: 1, ...HOST, term: 1, version: 1, prev: null },
  policy: {
    companies: [{ domain: 'acme.example' }, { iss: GLOBEX }],
    assurances: ['member'],
    sign_in: { max_age: 43_200, multi_factor: true },
    level: 'logged',
  },
  iat: NOW,
};

/** What Alice’s laptop signs as the host of a meeting. */
export async function meetingObjects({ device: { sig } }: Company): Promise<SignedObject[]> {
  const sender = { ...HOST, key: sig.publicKey };
  const admission = sha256Base64url(await signAdmission(sig, ADMISSION_CLAIMS));
  const rekey = {
    type: 'meeting-rekey+jwt' as const,
    by: sig,
    verify: (token: string) => verifyRekey(token, sender),
  };
  const joined = [
    {
      ...{ leaf: 0, iss: GLOBEX, sub: 'sub-bob', device_id: testDigest('device bob') },
      placement: testDigest('placement'),
    },
  ];
  return [
    {
      ...rekey,
      form: 'of version 1',
      claims: {
        ...{ v: 1, ...HOST, term: 2, epoch: 2, prev: testDigest('before'), members: testDigest('members') },
        ...{ levels: 1, challenge: testDigest('challenge'), key_id: 'key-1' },
        ...{ commitment: testDigest('commitment'), change: { joined, left: [1] } },
        ...{ wraps: testBytes('a child, and a wrapped key'), epoch_key: testBytes('the key of the epoch') },
        iat: NOW,
      },
    },
    {
      ...rekey,
      form: 'of version 2',
      claims: {
        ...{ v: 2, ...HOST, term: 1, epoch: 1, prev: null, members: 'A'.repeat(43) },
        ...{ levels: 0, challenge: testDigest('countersign test random 1'), key_id: null, commitment: null },
        ...{ admission, change: { joined: [], left: [] }, wraps: null, epoch_key: null, iat: NOW },
      },
    },
    {
      ...{ type: 'meeting-admission+jwt', by: sig, claims: ADMISSION_CLAIMS, malformed: 'admission_invalid' },
      verify: (token) =>
        verifyAdmission(token, sender, { group: GROUP, term: 1, admission: sha256Base64url(token) }),
    },
  ];
}
