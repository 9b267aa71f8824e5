import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import { originalIn } from '../../connectors/siem/formats/original-in.ts';
import {
  createSyslogFrames,
  type SyslogMessageOptions,
} from '../../connectors/siem/syslog/syslog-message.ts';
import { sampleEvent } from '../siem-formats/sample-events.ts';

const ORIGIN = { iss: 'https://bridge.acme.example:8443', organization: 'Acme', version: '0.1.0' };
/** A person who calls himself so. */
const HOSTILE = 'CEF:0|a|b|c|d|e|5|rawEvent={} "]\\ dvchost=x';
const EVENT = sampleEvent('device.added', {
  changes: { actor: { kind: 'administrator', id: 'a1', name: HOSTILE } },
}) as StoredEvent;

const formatter = createFormatter('cef', ORIGIN, true);

function lineOf(options: Partial<SyslogMessageOptions> = {}): string {
  const frames = createSyslogFrames({
    ...{ formatter, iss: ORIGIN.iss, facility: 13, structuredData: 'brief', byteOrderMark: false },
    ...{ maxBytes: 65_536, ...options },
  });
  return frames(EVENT).toString().replace(/^\d+ /, '');
}

const found = (line: string) => {
  const carried = originalIn(line);
  return carried === undefined ? undefined : { ...carried, event: JSON.parse(carried.event) };
};
const AS_IT_WAS = { event: JSON.parse(JSON.stringify(EVENT)), host: 'bridge.acme.example', faithful: true };

describe('an event in CEF over syslog, of a person whose name is a message of CEF', () => {
  it.each<Partial<SyslogMessageOptions>>([
    { structuredData: 'brief' },
    { structuredData: 'brief', byteOrderMark: true },
    { structuredData: 'none' },
    { facility: 0 },
    { facility: 23 },
  ])('is given back as it was, and all before it is checked: %j', (options) => {
    expect(found(lineOf(options))).toEqual(AS_IT_WAS);
  });

  it('is given back by itself', () => {
    expect(found(formatter.format(EVENT))).toEqual(AS_IT_WAS);
  });

  it.each([
    ['another header', (line: string) => line.replace(' bridge.acme.example ', ' relay.acme.example ')],
    ['another severity', (line: string) => line.replace(/^<\d+>/, '<104>')],
    ['no version', (line: string) => line.replace(/^<\d+>1 /, 'Nov 22 09:00:00 ')],
    ['more in the structured data of others', (line: string) => line.replace(' [', ' [note@1 a="guilty"][')],
  ])('is not faithful behind %s', (_name, alter) => {
    expect(found(alter(lineOf()))).toEqual({ ...AS_IT_WAS, faithful: false });
  });

  it('carries no original behind structured data of ours that was altered and holds a message', () => {
    expect(originalIn(lineOf().replace('name="CEF:0|a', 'name="CEF:0|guilty'))).toBeUndefined();
  });

  it('carries no original behind another message', () => {
    const forged = formatter.format(EVENT).replace('success', 'failure');
    expect(originalIn(`${forged} ${lineOf()}`)).toBeUndefined();
    expect(originalIn(`${forged} ${formatter.format(EVENT)}`)).toBeUndefined();
  });
});

describe('structured data that was altered', () => {
  it('is not faithful, whatever the original is', () => {
    const line = lineOf()
      .replace(' outcome="success"', ' outcome="failure"')
      .replace(/actor_name="(?:[^"\\]|\\.)*"/, 'actor_name="x"');
    expect(found(line)).toEqual({ ...AS_IT_WAS, faithful: false });
  });
});
