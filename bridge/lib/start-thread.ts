import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread of the module `name` (without extension) that lies beside the file of `importer`, its
 * `import.meta.url`: in the build, and from source.
 */
export function startThread(importer: string, name: string, options: WorkerOptions = {}): Worker {
  if (!importer.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, importer), options);
  // From source: a thread does not inherit the loader of TypeScript, and cannot be given one by its flags.
  const loader = import.meta.resolve('tsx/esm/api');
  const source = new URL(`./${name}.ts`, importer);
  const run = `import(${JSON.stringify(loader)}).then(({ register }) => {
    register();
    return import(${JSON.stringify(source.href)});
  });`;
  return new Worker(run, { ...options, eval: true });
}
