import { format } from 'node:util';
import type { Logger } from './logger.ts';

const METHODS = ['debug', 'info', 'log', 'warn', 'error'] as const;

/**
 * Leads what libraries write to the console, and the warnings of Node, into the operational log: stdout and stderr of a
 * service have JSON lines alone. What libraries say to their developers is at the level debug, warnings of Node at warn.
 * Answers how to undo it.
 */
export function leadConsoleTo(logger: Logger): () => void {
  const before = METHODS.map((method) => [method, console[method]] as const);
  for (const method of METHODS) {
    console[method] = (...said: unknown[]) => logger.debug({ console: method }, format(...said).trim());
  }
  // Node's own listener is the one that prints them.
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  const warn = (warning: Error) => logger.warn({ err: warning }, 'Node warns');
  process.on('warning', warn);
  return () => {
    for (const [method, original] of before) console[method] = original;
    process.off('warning', warn);
    for (const printer of printers) process.on('warning', printer);
  };
}
