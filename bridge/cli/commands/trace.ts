import type { Command } from 'commander';
import * as z from 'zod';
import { openApi } from '../api-client.ts';
import { facts, show, when } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { adviceOnRefusal } from './refusal-advice.ts';

const traceSchema = z.object({
  traceId: z.string(),
  code: z.string(),
  connectionId: z.string().nullable(),
  time: z.int(),
  detail: z.string().nullable(),
});

export function addTraceCommands(program: Command, terminal: Terminal): void {
  program
    .command('trace')
    .description('refused sign-ins')
    .command('show')
    .argument('<trace-id>', 'what the person reads on the page')
    .description('why a sign-in was refused')
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: { json?: boolean }) => {
      const path = `/admin/v1/traces/${encodeURIComponent(id)}`;
      show(terminal, options, await (await openApi(terminal)).get(path, traceSchema), (trace) =>
        facts({
          trace: trace.traceId,
          time: when(trace.time),
          connection: trace.connectionId,
          code: trace.code,
          why: trace.detail,
          'what to do': adviceOnRefusal(trace.code),
        }),
      );
    });
}
