/** `npm run demo`: two companies, two bridges, one story, told with real parts. */
import { type Options, parseOptions, USAGE } from './options.ts';
import { runDemo } from './run-demo.ts';
import { STORY } from './story.ts';

function readOptions(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
}

/** Aborted by the first Ctrl-C; the second one does not wait for the clean-up. */
function endedByPerson(): AbortSignal {
  const ended = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => (ended.signal.aborted ? process.exit(130) : ended.abort()));
  }
  return ended.signal;
}

const options = readOptions();
if (options === undefined) {
  process.exitCode = 2;
} else if (options.help) {
  process.stdout.write(USAGE);
} else {
  process.exitCode = await runDemo(STORY, options, {
    out: process.stdout,
    err: process.stderr,
    env: process.env,
    signal: endedByPerson(),
  });
}
