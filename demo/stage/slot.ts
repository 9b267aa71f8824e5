/** A place on the stage that one step fills and later ones use. */
export interface Slot<T> {
  set(value: T): void;
  get(): T;
  peek(): T | undefined;
}

export function createSlot<T>(name: string): Slot<T> {
  let held: { value: T } | undefined;
  return {
    set(value) {
      held = { value };
    },
    get() {
      if (held === undefined) throw new TypeError(`nothing put ${name} on the stage yet`);
      return held.value;
    },
    peek: () => held?.value,
  };
}
