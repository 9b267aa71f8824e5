/**
 * A process to kill: it stages and publishes one row after the other, and prints a line after each.
 *
 * usage: node --import tsx sequencing-process.ts <what openReachable takes> <key-encryption key> <head file>
 */
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createHeadFile } from '../../bridge/tlog/head-file.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { openReachable } from '../fakes/open-reachable.ts';
import { ISS, movableClock } from '../signer/signer-fixture.ts';
import { openLogOn, stageOn } from './tlog-fixture.ts';

const [reach = '', secret = '', headFilePath = ''] = process.argv.slice(2);
const clock = movableClock();
const database = await openReachable(reach, clock);
const keyEncryptionKey = decodeBase64url(secret, 32);
const signer = await openLocalSigner({ database, keyEncryptionKey, iss: ISS, clock });
const { sequencer } = openLogOn({ database, signer, headFile: createHeadFile(headFilePath) });
for (;;) {
  await stageOn(database, ['p']);
  await sequencer.settled();
  console.log('published');
}
