import { startChild } from '../processes/child.ts';
import type { Chapter } from '../report/chapter.ts';
import { median, shown } from '../report/figures.ts';
import type { VerificationProcess, VerificationTimes } from './verification-process.ts';

const PEOPLE = 1_000;
const ROUNDS = 5;

/** Offline verification in protocol/ alone, as clients and partner bridges do it. */
export async function measureVerification(say: (line: string) => void): Promise<Chapter> {
  say(`verification: ${PEOPLE} credentials, ${ROUNDS} times`);
  const child = startChild<VerificationProcess>('./verification-process', import.meta.url);
  const rounds: VerificationTimes[] = [];
  try {
    await child.ask('verify', PEOPLE);
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await child.ask('verify', PEOPLE));
  } finally {
    await child.end();
  }
  const rate = (of: (times: VerificationTimes) => number) =>
    shown(median(rounds.map((times) => PEOPLE / of(times))));
  const unknown = rate((times) => times.unknown);
  return {
    title: 'Verification',
    text:
      `\`verifyCredential\` of ${PEOPLE} different people of one company, with attributes: three Ed25519 signatures ` +
      'each (binding, statement, attributes) and the check that a key never seen before is a safe one. The root’s ' +
      'signature over the online keys is verified once.',
    tables: [
      {
        head: ['', 'credentials/s'],
        rows: [
          [`${PEOPLE} at once, keys never seen before`, unknown],
          [`${PEOPLE} at once, keys known`, rate((times) => times.known)],
          ['one after the other, keys known', rate((times) => times.knownOneByOne)],
        ],
      },
    ],
    goals: [{ name: 'Credentials verified per second', wanted: 'reported', measured: unknown, met: null }],
  };
}
