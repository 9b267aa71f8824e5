import { mkdir, rename, rmdir } from 'node:fs/promises';
import { describeSink } from '../../contract/sink-contract.ts';
import { makeFileFolder } from './file-fixture.ts';

describeSink('file', async () => {
  const made = await makeFileFolder();
  const away = `${made.folder}-away`;
  return {
    open: () => made.open(),
    held: async () => (await made.lines()).map((line) => (JSON.parse(line) as { event_id: string }).event_id),
    breaches: () => [],
    secrets: [],
    log: () => '',
    faults: {
      unavailable: async () => {
        await rename(made.folder, away);
        return () => rename(away, made.folder);
      },
      misconfigured: async () => {
        await rename(made.path, `${made.path}-away`);
        await mkdir(made.path);
        return async () => {
          await rmdir(made.path);
          await rename(`${made.path}-away`, made.path);
        };
      },
    },
    close: () => made.remove(),
  };
});
