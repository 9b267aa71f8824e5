import { setFlagsFromString } from 'node:v8';

/**
 * V8 11.3, of Node 20, ends the process (`unreachable code` in its deoptimizer) when it drops optimized code into which it
 * had inlined a call of WebAssembly that answers a reference, while that call is under way. All of Cedar's do. Without the
 * inlining a call costs some nanoseconds more. It has to be said before such code is optimized: whatever imports Cedar
 * imports this first.
 */
setFlagsFromString('--no-turbo-inline-js-wasm-calls');
