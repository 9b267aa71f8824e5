import { writeFileSync } from 'node:fs';
import { renderExampleConfig } from '../bridge/config/index.ts';

/** Writes countersign.example.yaml anew from the schema: `npx tsx scripts/write-example-config.ts`. */
writeFileSync(new URL('../countersign.example.yaml', import.meta.url), renderExampleConfig());
