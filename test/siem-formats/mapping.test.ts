import { describe, expect, it } from 'vitest';
import { EVENT_MAPPINGS, mappingOf } from '../../connectors/siem/formats/mapping/event-mappings.ts';
import { activityOf, OCSF_CLASSES } from '../../connectors/siem/formats/mapping/ocsf-activities.ts';
import { severityOf } from '../../connectors/siem/formats/severity.ts';
import ECS from '../testdata/siem/ecs-9.4.0.json' with { type: 'json' };
import OCSF from '../testdata/siem/ocsf-1.8.0.json' with { type: 'json' };
import { TYPES } from './sample-events.ts';

const ROWS = [...EVENT_MAPPINGS];
const KINDS: Readonly<Record<string, readonly string[]>> = ECS.event_types;
const CLASSES: Readonly<
  Record<string, { readonly category: number; readonly activities: readonly number[] }>
> = OCSF.classes;

describe('the table of what events are in the words of others', () => {
  it('has a row for each type of the catalogue, and none more', () => {
    expect([...EVENT_MAPPINGS.keys()].sort()).toEqual([...TYPES].sort());
  });

  it.each(ROWS)('gives %s a title of its own', (type, { title }) => {
    expect(title).toMatch(/^[A-Z][A-Za-z -]{3,60}$/);
    expect(ROWS.filter((row) => row[1].title === title).map(([name]) => name)).toEqual([type]);
  });

  it.each(ROWS)('gives %s a category of ECS, and types that go with it', (_type, { ecs }) => {
    expect(KINDS[ecs.category]).toEqual(expect.arrayContaining([...ecs.type]));
  });

  it.each(ROWS)('gives %s a class of OCSF, and an activity that the class has', (_type, { ocsf }) => {
    const { uid, category } = OCSF_CLASSES[ocsf.class];
    const { id } = activityOf(ocsf.class, ocsf.activity);
    expect(CLASSES[uid]?.category).toBe(category);
    expect([...(CLASSES[uid]?.activities ?? []), 99]).toContain(id);
    expect(id === 99).toBe(typeof ocsf.activity !== 'string');
    expect(ocsf.entity !== undefined).toBe(ocsf.class === 'entity_management');
  });

  it('takes a type that it does not know for an event of another version', () => {
    expect(mappingOf('moon.landed')).toMatchObject({ ocsf: { class: 'base_event' }, severity: 'low' });
    expect(mappingOf('toString').ocsf.class).toBe('base_event');
  });
});

describe('the severity of an event', () => {
  it('is that of its type where it went well', () => {
    expect(severityOf({ type: 'sign_in.succeeded', outcome: 'success', code: null })).toBe('informational');
    expect(severityOf({ type: 'keys.compromised', outcome: 'success', code: null })).toBe('critical');
  });

  it('is at least low where it failed, and never falls by that', () => {
    expect(severityOf({ type: 'look_up.foreign', outcome: 'failure', code: 'partner_slow' })).toBe('low');
    expect(severityOf({ type: 'policy.failed', outcome: 'failure', code: null })).toBe('high');
  });

  it('is high where something was forged or sent again', () => {
    expect(severityOf({ type: 'sign_in.refused', outcome: 'failure', code: 'saml_signature' })).toBe('high');
    expect(severityOf({ type: 'request.refused', outcome: 'failure', code: 'replayed' })).toBe('high');
    expect(severityOf({ type: 'key.unrecognized', outcome: 'failure', code: 'replayed' })).toBe('critical');
    expect(severityOf({ type: 'sign_in.refused', outcome: 'failure', code: 'upstream_refused' })).toBe(
      'medium',
    );
  });
});
