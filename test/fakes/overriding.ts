/**
 * `real` with some of its members replaced. All others are bound to `real`, since a class with private
 * members works on nothing else; what the class gains later is there too.
 */
export function overriding<Port extends object>(real: Port, members: Partial<Port>): Port {
  return new Proxy(real, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name);
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
