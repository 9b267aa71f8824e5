import { isIP } from 'node:net';
import OCSF from '../testdata/siem/ocsf-1.8.0.json' with { type: 'json' };

interface Shape {
  readonly required: readonly string[];
  readonly at_least_one: readonly string[];
  readonly members: Readonly<Record<string, string>>;
}

interface Class {
  readonly category: number;
  readonly activities: readonly number[];
  readonly required: Readonly<Record<string, string>>;
  readonly at_least_one: readonly string[];
  readonly lacks?: readonly string[];
  readonly status_ids?: readonly number[];
}

type Members = Readonly<Record<string, unknown>>;

const CLASSES: Readonly<Record<string, Class>> = OCSF.classes;
const OBJECTS: Readonly<Record<string, Shape>> = OCSF.objects;
const ENUMS: Readonly<Record<string, readonly number[]>> = OCSF.enums;
const EMAIL = new RegExp(OCSF.email_pattern);

/** What of an event does not fit the schema, in words. */
export function ocsfFaults(event: Members): string[] {
  const found = CLASSES[String(event.class_uid)];
  if (found === undefined) return [`there is no class ${event.class_uid}`];
  return [
    ...ofAll(event),
    ...ofClass(event, found),
    ...Object.entries({ ...OCSF.members_of_classes, ...found.required }).flatMap(([name, shape]) =>
      event[name] === undefined ? [] : objectFaults(name, event[name], shape),
    ),
    ...objectFaults('metadata', event.metadata, 'metadata'),
    ...valueFaults('', event),
  ];
}

function ofAll(event: Members): string[] {
  return Object.entries(OCSF.required_of_all).flatMap(([name, type]) => {
    const value = event[name];
    if (type === 'integer' ? Number.isSafeInteger(value) : typeof value === 'object') return [];
    return [`${name} is not there as ${type}`];
  });
}

function ofClass(event: Members, found: Class): string[] {
  const { class_uid: uid, activity_id: activity } = event;
  const statuses = found.status_ids ?? OCSF.enums.status_id;
  return [
    ...fault(event.category_uid !== found.category, 'the category is not that of the class'),
    ...fault(event.type_uid !== Number(uid) * 100 + Number(activity), 'the type is not class and activity'),
    ...fault(![...found.activities, 99].includes(Number(activity)), `the class has no activity ${activity}`),
    ...fault(activity === 99 && typeof event.activity_name !== 'string', 'the other activity has no name'),
    ...fault(!statuses.includes(Number(event.status_id)), 'the class has no such status'),
    ...Object.keys(found.required).flatMap((name) => fault(event[name] === undefined, `${name} is missing`)),
    ...oneOf('the event', event, found.at_least_one),
    ...(found.lacks ?? []).flatMap((name) => fault(event[name] !== undefined, `the class has no ${name}`)),
    ...Object.entries(ENUMS).flatMap(([name, ids]) => {
      if (name === 'status_id' || event[name] === undefined) return [];
      return fault(!ids.includes(Number(event[name])), `${name} is not in the list`);
    }),
    ...profileFaults(event),
  ];
}

function profileFaults(event: Members): string[] {
  const profiles = (event.metadata as Members).profiles as string[];
  return fault(
    (event.action_id !== undefined) !== profiles.includes('security_control'),
    'action_id comes with the profile security_control, and it with that',
  );
}

function objectFaults(path: string, value: unknown, shape: string): string[] {
  if (typeof value !== 'object' || value === null) return [`${path} is no object`];
  const members = value as Members;
  const { required, at_least_one: some, members: inner } = OBJECTS[shape] ?? fail(shape);
  return [
    ...required.flatMap((name) => fault(members[name] === undefined, `${path}.${name} is missing`)),
    ...oneOf(path, members, some),
    ...typeIdFaults(path, members, shape),
    ...Object.entries(inner).flatMap(([name, innerShape]) =>
      members[name] === undefined ? [] : objectFaults(`${path}.${name}`, members[name], innerShape),
    ),
  ];
}

function typeIdFaults(path: string, members: Members, shape: string): string[] {
  const ids = { managed_entity: OCSF.managed_entity_type_ids, user: OCSF.user_type_ids }[shape];
  if (ids === undefined || members.type_id === undefined) return [];
  return [
    ...fault(!ids.includes(Number(members.type_id)), `${path}.type_id is not in the list`),
    ...fault(members.type_id === 99 && typeof members.type !== 'string', `${path}.type is missing`),
  ];
}

/** Values that have a form wherever they stand, but where the event stands as it was. */
function valueFaults(path: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    if (name === 'unmapped') return [];
    const at = `${path}${name}`;
    return [
      ...fault(member === null, `${at} is null`),
      ...fault(name === 'ip' && isIP(String(member)) === 0, `${at} is no IP address`),
      ...fault(name === 'email_addr' && !EMAIL.test(String(member)), `${at} is no e-mail address`),
      ...fault(/^(?:uid|name)$/.test(name) && typeof member !== 'string', `${at} is no text`),
      ...valueFaults(`${at}.`, member),
    ];
  });
}

function oneOf(path: string, members: Members, names: readonly string[]): string[] {
  const none = names.length > 0 && names.every((name) => members[name] === undefined);
  return fault(none, `${path} has none of ${names.join(', ')}`);
}

function fault(is: boolean, words: string): string[] {
  return is ? [words] : [];
}

function fail(shape: string): never {
  throw new Error(`no facts about ${shape}`);
}
