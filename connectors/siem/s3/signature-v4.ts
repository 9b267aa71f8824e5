import { createHash, createHmac } from 'node:crypto';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What is signed of a request. */
export interface SignableRequest {
  readonly method: string;
  /** Its path is taken as it is: already encoded, and once, as S3 wants it. */
  readonly url: URL;
  /** All but `host` and `x-amz-date`, which are added. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, in hex. */
  readonly payloadHash: string;
}

export interface SigningScope {
  readonly region: string;
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** The headers of the request with its signature (AWS Signature Version 4, in the Authorization header). */
export function signV4(
  request: SignableRequest,
  scope: SigningScope,
  credentials: AwsCredentials,
): Record<string, string> {
  const time = new Date(scope.now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const token = credentials.sessionToken;
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-date': time,
    ...(token === undefined ? {} : { 'x-amz-security-token': token }),
  };
  const signed: Record<string, string> = { ...headers, host: request.url.host };
  const names = Object.keys(signed)
    .map((name) => name.toLowerCase())
    .sort();
  const credential = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const text = [ALGORITHM, time, credential, sha256(canonicalRequest(request, signed, names))].join('\n');
  const key = [day, scope.region, scope.service, 'aws4_request'].reduce<Buffer | string>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const authorization = [
    `${ALGORITHM} Credential=${credentials.accessKeyId}/${credential}`,
    `SignedHeaders=${names.join(';')}`,
    `Signature=${signature}`,
  ].join(', ');
  return { ...headers, authorization };
}

function canonicalRequest(
  { method, url, payloadHash }: SignableRequest,
  headers: Readonly<Record<string, string>>,
  names: readonly string[],
): string {
  const values = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const lines = names.map((name) => `${name}:${values.get(name)?.trim().replace(/ +/g, ' ')}\n`);
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  return [method, url.pathname, query, lines.join(''), names.join(';'), payloadHash].join('\n');
}

/** RFC 3986: everything but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
