import { expect } from 'vitest';
import type { SignInTrace } from '../../bridge/identity/sign-in.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Page } from '../fakes/headless-browser.ts';
import type { SignInFixture } from './sign-in-fixture.ts';

/**
 * Asserts that this page refuses a sign-in: it says a trace id and nothing of why; the trace, which is answered, and
 * one event say the code.
 */
export async function expectRefused(
  bridge: SignInFixture,
  page: Page,
  code: ErrorCode,
): Promise<SignInTrace> {
  expect(page.stopped, `went on to ${page.url}`).toBe(false);
  const traceId = /<span class="trace">([^<]+)<\/span>/.exec(page.html)?.[1] ?? '';
  expect(page.html).toContain('You are not signed in');
  const trace = await bridge.traces.get(traceId);
  expect(trace).toMatchObject({ traceId, code });
  expect(page.html).not.toContain(code);
  if (trace.detail !== null) expect(page.html).not.toContain(trace.detail);
  const events = (await bridge.eventsSoFar()).filter(({ trace_id }) => trace_id === traceId);
  expect(events).toMatchObject([{ type: 'sign_in.refused', outcome: 'failure', code }]);
  return trace;
}
