/** The one door to Cedar: nothing else loads its package. */
import './uninlined-wasm-calls.ts';
import { createRequire } from 'node:module';
import { pauseOptimizing } from './baseline-wasm.ts';
import { guardEngine } from './engine-doubt.ts';

export type * from '@cedar-policy/cedar-wasm/nodejs';

type Cedar = typeof import('@cedar-policy/cedar-wasm/nodejs');

let loaded: Cedar | undefined;

/** Made when it is first called, so that no other WebAssembly of the process is made meanwhile. */
function cedar(): Cedar {
  if (loaded === undefined) {
    pauseOptimizing();
    loaded = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as Cedar;
  }
  return loaded;
}

export const checkParseSchema: Cedar['checkParseSchema'] = guardEngine((...asked) =>
  cedar().checkParseSchema(...asked),
);
export const formatPolicies: Cedar['formatPolicies'] = guardEngine((...asked) =>
  cedar().formatPolicies(...asked),
);
export const isAuthorized: Cedar['isAuthorized'] = guardEngine((...asked) => cedar().isAuthorized(...asked));
export const policySetTextToParts: Cedar['policySetTextToParts'] = guardEngine((...asked) =>
  cedar().policySetTextToParts(...asked),
);
export const policyToJson: Cedar['policyToJson'] = guardEngine((...asked) => cedar().policyToJson(...asked));
export const preparsePolicySet: Cedar['preparsePolicySet'] = guardEngine((...asked) =>
  cedar().preparsePolicySet(...asked),
);
export const schemaToJson: Cedar['schemaToJson'] = guardEngine((...asked) => cedar().schemaToJson(...asked));
export const statefulIsAuthorized: Cedar['statefulIsAuthorized'] = guardEngine((...asked) =>
  cedar().statefulIsAuthorized(...asked),
);
export const validate: Cedar['validate'] = guardEngine((...asked) => cedar().validate(...asked));
