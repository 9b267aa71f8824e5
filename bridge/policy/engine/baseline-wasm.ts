import { setFlagsFromString } from 'node:v8';

/**
 * V8 compiles a function of WebAssembly quickly when it is first called, and again, optimized, when it was called often. Of
 * Cedar's 4 MiB that second time takes a second of the processor at every start, and 60 MB; it makes a decision that is
 * not remembered faster by 30 of 100 µs. It has to be said before the module is made, and until it was called. It holds
 * for the whole process, whose other WebAssembly, recrypt above all, must be optimized: `optimizeAgain` ends it.
 */
export function pauseOptimizing(): void {
  for (const flag of ['--liftoff-only', '--no-wasm-tier-up', '--no-wasm-dynamic-tiering'])
    setFlagsFromString(flag);
}

/** What is made from now on is optimized; of a module that was made meanwhile, what was called already is not. */
export function optimizeAgain(): void {
  for (const flag of ['--no-liftoff-only', '--wasm-tier-up', '--wasm-dynamic-tiering'])
    setFlagsFromString(flag);
}
