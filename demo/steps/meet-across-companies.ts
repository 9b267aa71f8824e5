import type { HostedMeeting, JoinedMeeting, Participant } from '../../client/index.ts';
import { type Finding, finding, must } from '../finding.ts';
import { hear, keyOf, type Said, say, told } from '../stage/meeting-room.ts';
import { ADA, GWEN, HAL } from '../stage/people.ts';
import { codeOf } from '../stage/refusal.ts';
import type { Stage } from '../stage/stage.ts';
import type { Step } from '../step.ts';

const AN_HOUR = 3600;

export const meetAcrossCompanies: Step = {
  name: 'meet-across-companies',
  title: 'Three people of two companies meet; one leaves, one is removed',
  story:
    'Ada’s app makes the meeting’s key and seals it once. Gwen’s and Hal’s apps get it through Globex’s bridge, which ' +
    'cannot read it; nor can Acme’s. Then each has a place in a tree of keys. Gwen leaves, Hal is removed: each time the ' +
    'key is another one at once, and they try to follow with all that they have. Gwen comes back, and reads from then on.',
  async run(stage) {
    const room = await openRoom(stage);
    const { ada, gwen, hal } = room;
    const findings = [
      finding('in the meeting', await describeRoster(gwen)),
      finding('all three compare aloud', fingerprintOfAll([ada, gwen, hal])),
      await everybodyHears(room),
      ...(await gwenLeaves(room)),
      ...(await halIsRemoved(stage, room)),
      ...(await gwenReturns(stage, room)),
    ];
    stage.transcript.set(room.transcript.join('\n'));
    await ada.end();
    return findings;
  },
};

interface Room {
  readonly ada: HostedMeeting;
  readonly gwen: JoinedMeeting;
  readonly hal: JoinedMeeting;
  /** What was said, in clear: Ada's app writes it down. */
  readonly transcript: string[];
  /** The same as the provider carried it. */
  readonly carried: Said[];
}

async function openRoom(stage: Stage): Promise<Room> {
  const ada = await stage.ada.get().client.meetings.start({
    label: 'Acme and Globex: the plans for spring',
    ends: Math.floor(Date.now() / 1000) + AN_HOUR,
    people: [GWEN.address, HAL.address],
    mediaKey: 'media key of Ada’s laptop',
    signal: stage.signal,
  });
  must(ada.notAdded.length === 0, `${ada.notAdded.length} people could not be added`);
  const [gwen, hal] = await Promise.all([enter(stage, ada, 'gwen'), enter(stage, ada, 'hal')]);
  const { epoch } = ada.currentKey();
  await Promise.all([keyOf(gwen, epoch), keyOf(hal, epoch)]);
  return { ada, gwen, hal, transcript: [], carried: [] };
}

/** Joins, and waits for the place in the tree. */
async function enter(
  stage: Stage,
  { iss, group }: HostedMeeting,
  name: 'gwen' | 'hal',
): Promise<JoinedMeeting> {
  const { client } = stage[name].get();
  const meeting = await client.meetings.join({
    ...{ iss, group, host: ADA.address, mediaKey: `media key of ${name}’s laptop` },
    signal: stage.signal,
  });
  const { epoch } = await told(meeting, 'placed');
  must(meeting.currentKey().epoch >= epoch, `${name} has no key`);
  return meeting;
}

async function describeRoster(meeting: JoinedMeeting): Promise<string> {
  const there: Participant[] = [];
  for await (const participant of meeting.roster()) there.push(participant);
  must(
    there.every(({ state }) => state === 'verified'),
    'somebody in the roster is not verified',
  );
  return `${there.map(({ name, company }) => `${name} (${company})`).join(', ')}: all verified by Gwen’s app`;
}

function fingerprintOfAll(meetings: readonly JoinedMeeting[]): string {
  const digits = new Set(meetings.map((meeting) => meeting.fingerprint()));
  must(digits.size === 1, 'they see different meetings');
  return [...digits].join();
}

async function everybodyHears(room: Room): Promise<Finding> {
  const said = await speak(room, 'Ada: welcome, both of you.');
  for (const each of [room.gwen, room.hal]) {
    must((await hear(each.currentKey(), said)) !== null, 'somebody cannot hear Ada');
  }
  return finding(`epoch ${said.epoch}`, 'Ada speaks; Gwen and Hal hear her');
}

async function gwenLeaves(room: Room): Promise<Finding[]> {
  const { ada, gwen, hal } = room;
  const kept = gwen.currentKey();
  const next = kept.epoch + 1;
  const [left] = await Promise.all([told(ada, 'left'), gwen.leave()]);
  must(left.reason === 'left', 'Gwen did not leave by herself');
  const key = await keyOf(hal, next);
  const said = await speak(room, 'Ada: now that Gwen is on the phone, the budget.');
  must((await hear(key, said)) !== null, 'Hal cannot hear Ada');
  must((await hear(kept, said)) === null, 'Gwen still follows');
  return [
    finding('Gwen leaves', `epoch ${said.epoch} at once: Hal hears, the key that Gwen kept opens nothing`),
  ];
}

/** Hal's app does what it can: the key that it kept, the bridges, the door. */
async function halIsRemoved(stage: Stage, room: Room): Promise<Finding[]> {
  const { ada, hal } = room;
  const { client } = stage.hal.get();
  const { iss, group } = ada;
  const kept = hal.currentKey();
  await ada.remove(HAL.address);
  const said = await speak(room, 'Ada: this is not for Hal.');
  must((await hear(kept, said)) === null, 'Hal still follows');
  const ended = await codeOf(() => keyOf(hal, kept.epoch + 1));
  const again = await codeOf(() =>
    client.meetings.join({ iss, group, host: ADA.address, mediaKey: 'Hal tries' }),
  );
  return [
    finding('Hal is removed', `epoch ${said.epoch}: his transform key was deleted first`),
    finding('   the key that he kept', 'opens nothing of it'),
    finding('   the next key', `refused: ${ended}`),
    finding('   the door', `refused: ${again}`),
  ];
}

async function gwenReturns(stage: Stage, room: Room): Promise<Finding[]> {
  const gwen = await enter(stage, room.ada, 'gwen');
  const key = await keyOf(gwen, room.ada.currentKey().epoch);
  const said = await speak(room, 'Ada: good that you are back, Gwen.');
  must((await hear(key, said)) !== null, 'Gwen cannot hear Ada');
  const missed = room.carried.filter(
    ({ epoch }) => epoch > room.gwen.currentKey().epoch && epoch < key.epoch,
  );
  for (const each of missed) must((await hear(key, each)) === null, 'Gwen reads what was said before');
  return [
    finding('Gwen comes back', `epoch ${said.epoch}: she hears Ada`),
    finding('   what she missed', `${missed.length} messages, and her key opens none of them`),
  ];
}

async function speak({ ada, transcript, carried }: Room, text: string): Promise<Said> {
  const said = await say(ada, text);
  transcript.push(text);
  carried.push(said);
  return said;
}
