import { readFileSync, writeFileSync } from 'node:fs';
import { withSettingTables } from './siem-guide.ts';

/** Writes the tables of docs/guides/siem.md anew from the kinds of sinks: `npx tsx scripts/write-siem-guide.ts`. */
const guide = new URL('../docs/guides/siem.md', import.meta.url);
writeFileSync(guide, withSettingTables(readFileSync(guide, 'utf8')));
