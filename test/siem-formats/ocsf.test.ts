import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { redactEvent } from '../../bridge/events/redaction.ts';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';
import { ocsfFaults } from './ocsf-faults.ts';
import { ORIGIN, sampleEvent, TYPES } from './sample-events.ts';

const formatter = createFormatter('ocsf', ORIGIN);
const format = (event: SinkEvent) => JSON.parse(formatter.format(event));

const ACTORS: SinkEvent['actor'][] = [
  { kind: 'person', sub: 'p1' },
  { kind: 'administrator', id: 'a1', name: 'Ada', address: '2001:db8::1' },
  { kind: 'partner', iss: 'https://bridge.globex.example' },
  { kind: 'system' },
  { kind: 'anonymous', address: '192.0.2.7' },
];

describe('an event as OCSF', () => {
  it.each(TYPES)('has what the class of %s demands, whoever acted', (type) => {
    for (const actor of ACTORS) {
      for (const outcome of ['success', 'failure'] as const) {
        const full = sampleEvent(type, { changes: { actor, outcome, code: 'replayed' } });
        const bare = sampleEvent(type, { optional: false, changes: { actor, outcome, data: {} } });
        expect(ocsfFaults(format(full))).toEqual([]);
        expect(ocsfFaults(format(bare))).toEqual([]);
      }
    }
  });

  it.each(TYPES)('has it for %s too where personal data is taken out', (type) => {
    const event = sampleEvent(type) as StoredEvent;
    expect(ocsfFaults(format(redactEvent(event, 'drop')))).toEqual([]);
    expect(ocsfFaults(format(redactEvent(event, 'hmac', new Uint8Array(32))))).toEqual([]);
  });

  it('loses nothing of the event', () => {
    const event = sampleEvent('device.added', { changes: { replay: 'r1' } });
    const { metadata, time, unmapped } = format(event);
    expect(unmapped).toEqual({
      ...{ actor: event.actor, subject: event.subject, data: event.data },
      ...{ trace_id: event.trace_id, salt: event.salt, prev: event.prev, hash: event.hash },
    });
    expect(metadata).toMatchObject({
      ...{ uid: event.event_id, sequence: 7, event_code: 'device.added', correlation_uid: 'r-1' },
      ...{ version: '1.8.0', tenant_uid: 'Acme', log_source: ORIGIN.iss, labels: ['replay:r1'] },
    });
    expect(new Date(time).toISOString()).toBe(event.time);
  });

  it('is an authentication where somebody signs in', () => {
    const changes = { outcome: 'failure', code: 'saml_signature' } as const;
    const event = sampleEvent('sign_in.refused', { changes: { ...changes, data: { protocol: 'saml' } } });
    expect(format(event)).toMatchObject({
      ...{ class_uid: 3002, type_uid: 300201, activity_name: 'Logon', severity_id: 4 },
      ...{ status_id: 2, status_code: 'saml_signature', auth_protocol_id: 5 },
      user: { email_addr: 'alice@acme.example' },
      src_endpoint: { ip: '192.0.2.7' },
    });
  });

  it('says that policy denied, and which policy', () => {
    const event = sampleEvent('policy.denied', { changes: { outcome: 'failure', code: 'forbidden' } });
    expect(format(event)).toMatchObject({
      ...{ class_uid: 6003, action_id: 2, disposition_id: 2, status_id: 2 },
      metadata: { profiles: ['security_control'] },
      policy: { name: 'text' },
    });
  });

  it('takes the activity of a refused request from its method', () => {
    const data = { method: 'DELETE', route: '/v1/groups/:group', status: 403 };
    const event = sampleEvent('request.refused', { changes: { data, outcome: 'failure' } });
    expect(format(event)).toMatchObject({ type_uid: 600304, api: { operation: 'DELETE /v1/groups/:group' } });
    const odd = sampleEvent('request.refused', { changes: { data: { ...data, method: 'toString' } } });
    expect(format(odd)).toMatchObject({ activity_id: 99 });
  });

  it('tells a group in a group from a person in it', () => {
    const added = (kind: string) => {
      const data = { kind, iss: ORIGIN.iss, member: 'm1', seq: 1 };
      return format(sampleEvent('group.member_added', { changes: { data } }));
    };
    expect(added('person')).toMatchObject({ activity_id: 3, user: { uid: 'm1' } });
    expect(added('group')).toMatchObject({ activity_id: 7, subgroup: { uid: 'm1' } });
  });

  it('names no pseudonym an address', () => {
    const event = sampleEvent('sign_in.succeeded') as StoredEvent;
    const { user, src_endpoint } = format(redactEvent(event, 'hmac', new Uint8Array(32)));
    expect(user.email_addr).toBeUndefined();
    expect(user.name).toMatch(/^hmac-/);
    expect(src_endpoint.ip).toBeUndefined();
    expect(src_endpoint.name).toMatch(/^hmac-/);
  });
});
