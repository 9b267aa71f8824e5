import { readFileSync, writeFileSync } from 'node:fs';
import { withEventTables } from './events-guide.ts';

/** Writes the tables of docs/guides/events.md anew from the catalogue and its mappings: `npx tsx scripts/write-events-guide.ts`. */
const guide = new URL('../docs/guides/events.md', import.meta.url);
writeFileSync(guide, withEventTables(readFileSync(guide, 'utf8')));
