/** `npm run demo`: two companies, two bridges, one story, told with real parts. */
import { collectConsoleLines } from './console-lines.ts';
import { type Options, parseOptions, USAGE } from './options.ts';

function readOptions(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
}

/** Within this, two signals are one Ctrl-C: the terminal sends it to every process, and npm hands it on as well. */
const SAME_SIGNAL_MS = 1_000;

/** Aborted by the first Ctrl-C, or when nobody reads on (`| head`); a later Ctrl-C does not wait for the clean-up. */
function endedByPerson(): AbortSignal {
  const ended = new AbortController();
  let first = 0;
  const end = () => {
    if (!ended.signal.aborted) {
      first = Date.now();
      ended.abort();
    } else if (Date.now() - first > SAME_SIGNAL_MS) {
      process.exit(130);
    }
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, end);
  process.stdout.on('error', end);
  return ended.signal;
}

const options = readOptions();
if (options === undefined) {
  process.exitCode = 2;
} else if (options.help) {
  process.stdout.write(USAGE);
} else {
  const consoleLines = collectConsoleLines();
  const [{ runDemo }, { STORY }] = await Promise.all([import('./run-demo.ts'), import('./story.ts')]);
  process.exitCode = await runDemo(STORY, options, {
    out: process.stdout,
    err: process.stderr,
    env: process.env,
    console: consoleLines,
    signal: endedByPerson(),
  });
}
