/**
 * What @peculiar/x509 needs of the `reflect-metadata` proposal (its container asks for it on import): metadata kept
 * beside a class, looked up along its prototypes. Import this before that library. Where the real polyfill is
 * loaded, nothing is changed.
 */
const metadata = new WeakMap<object, Map<unknown, unknown>>();

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const own = metadata.get(target) ?? new Map<unknown, unknown>();
  metadata.set(target, own.set(key, value));
}

function getOwnMetadata(key: unknown, target: object): unknown {
  return metadata.get(target)?.get(key);
}

function getMetadata(key: unknown, target: object): unknown {
  for (let holder: object | null = target; holder !== null; holder = Object.getPrototypeOf(holder)) {
    if (metadata.get(holder)?.has(key) === true) return getOwnMetadata(key, holder);
  }
  return undefined;
}

if (!('getMetadata' in Reflect)) Object.assign(Reflect, { defineMetadata, getMetadata, getOwnMetadata });
