import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../../protocol/base64url.ts';
import { labelled } from '../../../protocol/canonical-json.ts';
import type { Member } from '../../../protocol/meetings/api.ts';
import { Roster, rosterOf } from '../../../protocol/meetings/roster.ts';
import { hashLeaf, hashNode } from '../../../protocol/tlog/merkle.ts';
import { choicesFrom } from '../../model/random-choices.ts';
import { codeOf } from '../codes.ts';
import { testDigest } from '../company.ts';
import { GLOBEX } from './meeting.ts';

const memberAt = (leaf: number, name = `${leaf}`): Member => ({
  ...{ leaf, iss: GLOBEX, sub: `sub-${name}`, device_id: testDigest(`device ${name}`) },
});

/** The root as the specification says it, over all 2^levels places. */
function slowRoot(members: readonly Member[], levels: number): string {
  const byLeaf = new Map(members.map((member) => [member.leaf, member]));
  let hashes = Array.from({ length: 2 ** levels }, (_, leaf) => {
    const member = byLeaf.get(leaf);
    if (member === undefined) return new Uint8Array(32);
    const { iss, sub, device_id } = member;
    return hashLeaf(labelled('meeting-member', { iss, sub, device_id }));
  });
  const none = new Uint8Array();
  while (hashes.length > 1) {
    const below = hashes;
    hashes = Array.from({ length: below.length / 2 }, (_, index) =>
      hashNode(below[2 * index] ?? none, below[2 * index + 1] ?? none),
    );
  }
  return encodeBase64url(hashes[0] ?? none);
}

describe('a roster', () => {
  it('has the root of all its places after every change', () => {
    const choices = choicesFrom(7);
    const roster = new Roster();
    let levels = 0;
    for (let step = 0; step < 300; step += 1) {
      const left = roster
        .members()
        .filter(() => choices.number(5) === 0)
        .map(({ leaf }) => leaf);
      if (choices.number(40) === 0 && levels < 6) levels += 1;
      const free = Array.from({ length: 2 ** levels }, (_, leaf) => leaf).filter(
        (leaf) => (roster.at(leaf) === undefined || left.includes(leaf)) && choices.number(4) === 0,
      );
      const joined = free.map((leaf) => memberAt(leaf, `${step} ${leaf}`));
      const draft = roster.draft({ left, joined, levels });
      const before = roster.root;
      expect(roster.root).toBe(before);
      roster.apply(draft);
      expect(roster.root).toBe(draft.root);
      expect(roster.root).toBe(slowRoot(roster.members(), levels));
      expect(rosterOf(roster.members(), levels).root).toBe(roster.root);
    }
    expect(levels).toBe(6);
  });

  it('tells apart who is where, and empty trees of different height', () => {
    const roots = [
      rosterOf([], 0),
      rosterOf([], 1),
      rosterOf([memberAt(0)], 1),
      rosterOf([{ ...memberAt(0), leaf: 1 }], 1),
      rosterOf([memberAt(0), memberAt(1)], 1),
      rosterOf([{ ...memberAt(0), sub: 'sub-other' }, memberAt(1)], 1),
    ].map(({ root }) => root);
    expect(new Set(roots).size).toBe(roots.length);
  });

  it.each([
    ['a free place freed', { left: [3], joined: [] }],
    ['a place freed twice', { left: [1, 1], joined: [] }],
    ['a taken place', { left: [], joined: [memberAt(1, 'new')] }],
    ['a place outside the tree', { left: [], joined: [memberAt(4)] }],
    ['one place for two', { left: [], joined: [memberAt(3), memberAt(3, 'new')] }],
    ['two places for one device', { left: [], joined: [{ ...memberAt(1), leaf: 3 }] }],
    ['two places for one newcomer', { left: [0], joined: [memberAt(3), { ...memberAt(3), leaf: 0 }] }],
  ])('refuses %s', async (_, change) => {
    const roster = rosterOf([memberAt(0), memberAt(1), memberAt(2)], 2);
    expect(await codeOf(() => roster.draft({ ...change, levels: 2 }))).toBe('rekey_mismatch');
  });

  it('lets a device move in one change', () => {
    const roster = rosterOf([memberAt(0), memberAt(1)], 2);
    roster.apply(roster.draft({ left: [1], joined: [{ ...memberAt(1), leaf: 3 }], levels: 2 }));
    expect([roster.leafOf(memberAt(1).device_id), roster.at(1)]).toEqual([3, undefined]);
  });
});
