import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

/** What the fake IdP remembers, for as long as it runs. (The library's own store says on stderr that it is one.) */
export function createMemoryAdapters(): AdapterFactory {
  const rows = new Map<string, AdapterPayload>();

  return (model): Adapter => {
    const find = async (id: string) => rows.get(`${model} ${id}`);
    const findBy = async (member: 'uid' | 'userCode', value: string) =>
      [...rows].find(([key, row]) => key.startsWith(`${model} `) && row[member] === value)?.[1];
    return {
      find,
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (userCode) => findBy('userCode', userCode),
      upsert: async (id, row) => void rows.set(`${model} ${id}`, row),
      destroy: async (id) => void rows.delete(`${model} ${id}`),
      consume: async (id) => {
        const row = await find(id);
        if (row !== undefined) row.consumed = Math.floor(Date.now() / 1000);
      },
      revokeByGrantId: async (grantId) => {
        for (const [key, row] of rows) if (row.grantId === grantId) rows.delete(key);
      },
    };
  };
}
