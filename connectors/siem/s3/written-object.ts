import type { ReceiverAnswer } from '../http/http-receiver.ts';

/**
 * Whether an answer of 200 to `PutObject` says that the object is written: without a body, for stores have answered 200 and
 * an error behind it, and with the entity tag of the object, which is a strong one and which whatever else answers 200 does
 * not know. Where the tag is an MD5, it is that of the object; stores have other tags too, such as Google’s `-CKih16GjycICEAE=`.
 */
export function isWritten({ text, headers }: ReceiverAnswer, md5: Buffer): boolean {
  const [, tag] = /^(?!W\/)"?([^"\s]+)"?$/.exec(headers.get('etag') ?? '') ?? [];
  if (text.trim() !== '' || tag === undefined) return false;
  const isMd5 = /^[0-9a-f]{32}$/i.test(tag) && !isEncrypted(headers);
  return !isMd5 || tag.toLowerCase() === md5.toString('hex');
}

/** Under a key of the customer the tag looks like an MD5 and is none; under one of the store’s own it is that of the object. */
function isEncrypted(headers: Headers): boolean {
  return [...headers].some(
    ([name, value]) =>
      /encryption/.test(name) && !(name === 'x-amz-server-side-encryption' && value === 'AES256'),
  );
}
