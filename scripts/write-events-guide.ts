import { readFileSync, writeFileSync } from 'node:fs';
import { withEventTable } from './events-guide.ts';

/** Writes the table of docs/guides/events.md anew from the catalogue: `npx tsx scripts/write-events-guide.ts`. */
const guide = new URL('../docs/guides/events.md', import.meta.url);
writeFileSync(guide, withEventTable(readFileSync(guide, 'utf8')));
