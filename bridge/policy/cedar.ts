/** The one door to Cedar: nothing else imports its package. */
import './uninlined-wasm-calls.ts';

export * from '@cedar-policy/cedar-wasm/nodejs';
