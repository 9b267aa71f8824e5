import { inflateRawSync } from 'node:zlib';

/** Signatures and offsets: PKWARE APPNOTE 4.3.7, 4.3.12 and 4.3.16. */
const END_OF_DIRECTORY = Buffer.from('PK\x05\x06', 'latin1');
const DEFLATED = 8;

/** The content of one deflated file of a ZIP archive without ZIP64. Throws when there is no such file. */
export function readZipEntry(archive: Buffer, wanted: string): Buffer {
  const end = archive.lastIndexOf(END_OF_DIRECTORY);
  if (end < 0) throw new Error('This is no ZIP archive.');
  const entries = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < entries; index += 1) {
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    if (name === wanted) return contentOf(archive, at);
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  throw new Error(`The archive has no ${wanted}.`);
}

/** `entry`: where the file stands in the archive's directory, which alone is sure to know the lengths. */
function contentOf(archive: Buffer, entry: number): Buffer {
  if (archive.readUInt16LE(entry + 10) !== DEFLATED) throw new Error('The file is not deflated.');
  const length = archive.readUInt32LE(entry + 20);
  const header = archive.readUInt32LE(entry + 42);
  const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
  return inflateRawSync(archive.subarray(start, start + length));
}
