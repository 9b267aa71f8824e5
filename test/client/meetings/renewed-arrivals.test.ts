import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../client/meetings/candidates.ts';
import type { JudgedDevice } from '../../../client/meetings/judge-devices.ts';
import type { Participant } from '../../../client/meetings/meeting.ts';
import type { Arrival } from '../../../client/meetings/reception.ts';
import { mayBeRenewed, withRenewal } from '../../../client/meetings/renewed-arrivals.ts';
import { DAY, NOW, testDigest } from '../../protocol/company.ts';

const iss = 'https://bridge.acme.example';
const address = 'ben@acme.example';
const participant: Participant = {
  ...{ iss, sub: 'sub-ben', deviceId: testDigest('device'), address, name: null, company: null },
  ...{ state: 'verified', code: null, reasons: [], assurance: 'member', endToEnd: true },
  ...{ mediaKey: 'media of ben', shownAt: NOW },
};
const candidate: Candidate = {
  ...{ iss, sub: 'sub-ben', address, assurance: 'member', level: 'signed', provenAt: NOW },
};
const before: Arrival = {
  ...{ participant, candidate, until: NOW + DAY },
  newcomer: { iss, sub: 'sub-ben', device_id: participant.deviceId, ephemeral: testDigest('x25519') },
};
const shown = (
  changes: { readonly participant?: Partial<Participant>; readonly candidate?: Partial<Candidate> } = {},
): JudgedDevice => ({
  participant: { ...participant, shownAt: NOW + DAY / 2, ...changes.participant },
  candidate: { ...candidate, ...changes.candidate },
  until: NOW + 2 * DAY,
});

describe('somebody with a place who shows themselves again', () => {
  it('is as new as what they show, in the same place', () => {
    const after = withRenewal(before, shown(), NOW + DAY);
    expect(after).toEqual({ ...shown(), newcomer: before.newcomer });
  });

  it('is judged by an admission policy by their assurance of now, not by the one with which they came', () => {
    const weaker = { assurance: 'gateway' as const };
    const after = withRenewal(before, shown({ participant: weaker, candidate: weaker }), NOW + DAY);
    expect(after.candidate).toEqual({ ...candidate, ...weaker });
  });

  it.each([
    ['an older time', { participant: { shownAt: NOW - 1 } }, 'replayed'],
    ['another media key', { participant: { mediaKey: 'another' } }, 'presence_mismatch'],
    ['another proof', { candidate: { provenAt: NOW + 60 } }, 'presence_mismatch'],
  ] as const)('stays as they were for %s, and is stale when that is too old', (_what, changes, code) => {
    expect(withRenewal(before, shown(changes), NOW + DAY - 1)).toBe(before);
    const stale = { ...participant, state: 'stale', code };
    expect(withRenewal(before, shown(changes), NOW + DAY)).toEqual({ ...before, participant: stale });
  });

  it('is asked for when half of the time is over, and not before', () => {
    expect(mayBeRenewed(before, NOW + DAY / 2 - 1)).toBe(false);
    expect(mayBeRenewed(before, NOW + DAY / 2)).toBe(true);
    expect(mayBeRenewed(undefined, NOW)).toBe(true);
  });
});
