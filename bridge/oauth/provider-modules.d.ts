/** What of the library is used and has no types of its own. */
declare module 'oidc-provider/lib/helpers/als.js' {
  import type { AsyncLocalStorage } from 'node:async_hooks';

  const requestStorage: AsyncLocalStorage<unknown>;
  export default requestStorage;
}
