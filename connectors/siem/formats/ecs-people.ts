import type { SinkEvent } from '../sink-event.ts';
import { actorIp } from './event-members.ts';
import { mappingOf } from './mapping/event-mappings.ts';

type Texts = Readonly<Record<string, string | undefined>>;

/** Who acted, upon whom, and from where: `user`, `user.target`, `source`, `device`, `group` and `related`. */
export function ecsPeople(event: SinkEvent): object {
  const { actor, subject } = event;
  const signsIn = mappingOf(event.type).ecs.category === 'authentication';
  const target = present({ id: subject.sub, email: subject.address });
  const isAlsoActor = signsIn || (actor.kind === 'person' && actor.sub === subject.sub);
  const user = isAlsoActor ? { ...acting(event), ...target } : { ...acting(event), target };
  return {
    user: present(user),
    source: sourceOf(event),
    device: present({ id: subject.device ?? actor.device }),
    group: present({ id: subject.group }),
    related: relatedOf(event),
  };
}

function acting({ actor }: SinkEvent): Texts {
  if (actor.kind === 'person') return { id: actor.sub };
  if (actor.kind === 'administrator') return { id: actor.id, name: actor.name };
  return {};
}

/** `source.ip` is of a type that takes IP addresses alone; `source.address` takes a pseudonym too. */
function sourceOf(event: SinkEvent): object | undefined {
  return present({ address: event.actor.address, ip: actorIp(event) });
}

function relatedOf(event: SinkEvent): object | undefined {
  const { actor, subject, data } = event;
  const addresses = Array.isArray(data.addresses) ? data.addresses : [];
  const users = [actor.sub, actor.id, actor.name, subject.sub, subject.address, ...addresses];
  return present({
    user: distinct(users),
    ip: distinct([actorIp(event)]),
    hosts: distinct([subject.domain]),
  });
}

function distinct(values: readonly unknown[]): readonly string[] | undefined {
  const texts = new Set(values.filter((value) => typeof value === 'string' && value !== ''));
  return texts.size === 0 ? undefined : ([...texts] as string[]);
}

/** The members that have a value; nothing where none has. */
function present<Members extends object>(members: Members): Members | undefined {
  return Object.values(members).some((value) => value !== undefined) ? members : undefined;
}
