/** The one door to Cedar: nothing else imports its package. */
import './baseline-wasm.ts';
import './uninlined-wasm-calls.ts';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { guardEngine } from './engine-doubt.ts';

export type * from '@cedar-policy/cedar-wasm/nodejs';

export const checkParseSchema = guardEngine(cedar.checkParseSchema);
export const formatPolicies = guardEngine(cedar.formatPolicies);
export const isAuthorized = guardEngine(cedar.isAuthorized);
export const policySetTextToParts = guardEngine(cedar.policySetTextToParts);
export const policyToJson = guardEngine(cedar.policyToJson);
export const preparsePolicySet = guardEngine(cedar.preparsePolicySet);
export const schemaToJson = guardEngine(cedar.schemaToJson);
export const statefulIsAuthorized = guardEngine(cedar.statefulIsAuthorized);
export const validate = guardEngine(cedar.validate);
