/** A message as RFC 5424 section 6 has it. */
export interface SyslogMessage {
  readonly facility: number;
  readonly severity: number;
  readonly timestamp: string;
  readonly hostname: string;
  readonly appName: string;
  readonly procId: string;
  readonly msgId: string;
  readonly structuredData: Readonly<Record<string, readonly (readonly [string, string])[]>>;
  /** Whether the message began with a byte order mark. */
  readonly marked: boolean;
  readonly message: string;
}

const HEADER =
  /^<(0|[1-9][0-9]{0,2})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) ([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) /;
const SD_NAME = /^[\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32}/;

/** Reads what the specification allows, from its text alone, and throws at everything else. */
export function parseSyslogMessage(bytes: Uint8Array): SyslogMessage {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  const header = HEADER.exec(text);
  if (header === null) throw new Error(`no header: ${text.slice(0, 200)}`);
  const [whole, priority, timestamp = '', hostname = '', appName = '', procId = '', msgId = ''] = header;
  if (Number(priority) > 191) throw new Error(`no priority: ${priority}`);
  const { structuredData, rest } = readStructuredData(text.slice(whole.length));
  if (rest !== '' && !rest.startsWith(' '))
    throw new Error(`after the structured data: ${rest.slice(0, 50)}`);
  const message = rest.slice(1);
  const marked = message.startsWith('\ufeff');
  return {
    ...{ facility: Math.floor(Number(priority) / 8), severity: Number(priority) % 8 },
    ...{ timestamp, hostname, appName, procId, msgId, structuredData, marked },
    message: marked ? message.slice(1) : message,
  };
}

function readStructuredData(text: string) {
  const structuredData: Record<string, [string, string][]> = {};
  if (text.startsWith('-')) return { structuredData, rest: text.slice(1) };
  let rest = text;
  while (rest.startsWith('[')) {
    const id = take(SD_NAME, rest.slice(1));
    if (id in structuredData) throw new Error(`twice: ${id}`);
    const params: [string, string][] = [];
    structuredData[id] = params;
    rest = rest.slice(1 + id.length);
    while (rest.startsWith(' ')) {
      const name = take(SD_NAME, rest.slice(1));
      const { value, end } = readValue(rest.slice(1 + name.length));
      params.push([name, value]);
      rest = rest.slice(1 + name.length + end);
    }
    if (!rest.startsWith(']')) throw new Error(`no end of ${id}: ${rest.slice(0, 50)}`);
    rest = rest.slice(1);
  }
  if (Object.keys(structuredData).length === 0) throw new Error(`no structured data: ${text.slice(0, 50)}`);
  return { structuredData, rest };
}

/** Behind a name: `="` and the value, in which `"`, `\` and `]` are escaped. `end` is behind the closing quote. */
function readValue(text: string): { value: string; end: number } {
  if (!text.startsWith('="')) throw new Error(`no value: ${text.slice(0, 50)}`);
  let value = '';
  for (let at = 2; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '"') return { value, end: at + 1 };
    if (character === ']') throw new Error('an unescaped bracket');
    if (character === '\\' && '"\\]'.includes(text.charAt(at + 1))) {
      at += 1;
      value += text.charAt(at);
    } else value += character;
  }
  throw new Error('a value without an end');
}

function take(pattern: RegExp, text: string): string {
  const found = pattern.exec(text)?.[0];
  if (found === undefined) throw new Error(`no name: ${text.slice(0, 50)}`);
  return found;
}
