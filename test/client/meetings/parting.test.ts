import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CountersignError } from '../../../protocol/errors.ts';
import { codeOf } from '../../protocol/codes.ts';
import { hear } from './heard.ts';
import { type MeetingAtWork, meetingOf } from './meeting-fixture.ts';

let at: MeetingAtWork;
let rotations: number;
let failing: CountersignError | null;
beforeEach(async () => {
  at = await meetingOf(['hana', 'ben']);
  rotations = 0;
  failing = null;
});
afterEach(() => at.close());

const rotateDevice = async () => {
  if (failing !== null) throw failing;
  rotations += 1;
};

describe('a meeting that ends with another key of the device', () => {
  it('rotates the device of somebody who leaves, once they have left', async () => {
    const host = hear(await at.host('hana'));
    const ben = await at.join('ben', undefined, { rotateDevice });
    await hear(ben).next('placed');
    await ben.leave({ rotateDevice: true });
    expect(rotations).toBe(1);
    expect((await host.next('left')).sub).toBe(at.person('ben').sub);
  });

  it('rotates it also where the host has ended the meeting', async () => {
    const hana = await at.host('hana');
    const ben = await at.join('ben', undefined, { rotateDevice });
    const heard = hear(ben);
    await hana.end();
    await heard.next('ended');
    at.meeting.cutOff();
    await ben.leave({ rotateDevice: true });
    expect(rotations).toBe(1);
  });

  it.each(['end', 'leave'] as const)('lets a rotation that failed after %s be tried again', async (how) => {
    const hana = await at.host('hana', undefined, { rotateDevice });
    failing = new CountersignError('bridge_unreachable');
    expect(await codeOf(() => hana[how]({ rotateDevice: true }))).toBe('bridge_unreachable');
    expect(await codeOf(() => hana.rekey())).toBe('aborted');
    expect(await codeOf(() => hana[how]({ rotateDevice: true }))).toBe('bridge_unreachable');
    failing = null;
    await hana[how]({ rotateDevice: true });
    expect(rotations).toBe(1);
    expect(at.group.ended).toBe(how === 'end');
  });

  it('is not ended by a host that has left it', async () => {
    const hana = await at.host('hana', undefined, { rotateDevice });
    await hana.leave();
    expect(await codeOf(() => hana.end({ rotateDevice: true }))).toBe('aborted');
    expect(rotations).toBe(0);
    expect(at.group.ended).toBe(false);
  });

  it('goes on where the client cannot rotate its device', async () => {
    const hana = await at.host('hana');
    expect(await codeOf(() => hana.end({ rotateDevice: true }))).toBe('malformed_request');
    expect(await codeOf(() => hana.leave({ rotateDevice: true }))).toBe('malformed_request');
    await hana.rekey();
    expect(at.group.ended).toBe(false);
  });
});
