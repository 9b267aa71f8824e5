import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyOf, type MeetingAtWork, meetingOf, nextEvent } from './meeting-fixture.ts';

let at: MeetingAtWork;
beforeEach(async () => {
  at = await meetingOf(['hana', 'ben', 'carol']);
});
afterEach(() => at.close());

describe('a meeting', () => {
  it('gives a joiner the key at once, and a place by the host soon after', async () => {
    const hana = await at.host('hana');
    const joined = nextEvent(hana, 'joined');
    const ben = await at.join('ben');
    expect(ben.currentKey()).toEqual(hana.currentKey());
    const placed = nextEvent(ben, 'placed');
    expect((await joined).participant).toMatchObject({
      address: 'ben@acme.example',
      mediaKey: 'media of ben',
    });
    const { epoch } = await placed;
    expect(ben.currentKey()).toEqual(hana.currentKey());
    expect(ben.currentKey().epoch).toBe(epoch);
    expect(ben.fingerprint()).toBe(hana.fingerprint());
  });

  it('brings every new key by the tree to those who have a place', async () => {
    const hana = await at.host('hana');
    const ben = await at.join('ben');
    await nextEvent(ben, 'placed');
    const opened = at.group.opened;
    const next = hana.currentKey().epoch + 1;
    await hana.rekey();
    expect(await keyOf(ben, next)).toEqual(await keyOf(hana, next));
    expect(at.group.opened).toBe(opened);
  });
});
