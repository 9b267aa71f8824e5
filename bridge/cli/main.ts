#!/usr/bin/env node
import { runCommand } from './program.ts';
import { processTerminal } from './terminal.ts';

const args = process.argv.slice(2);
// `countersign events | head` ends when its reader does. A bridge must not: its event sink waits for a reader.
if (args[0] !== 'serve') process.stdout.on('error', () => process.exit(0));
process.exitCode = await runCommand(args, processTerminal());
