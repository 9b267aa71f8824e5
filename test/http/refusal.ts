import { expect } from 'vitest';
import { problemSchema } from '../../protocol/api.ts';
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import type { ApiAnswer } from './api-request.ts';
import { storedRows } from './stored-rows.ts';
import type { WholeBridge } from './whole-bridge.ts';

/**
 * Holds what every refusal must be: this code and its status as a problem document under the request's id, and exactly
 * one event, which names the code and the request (beside the one in which policy says what it denied).
 */
export async function expectRefusal(
  bridge: WholeBridge,
  send: () => Promise<ApiAnswer>,
  code: ErrorCode,
  what = '',
): Promise<void> {
  const { events } = bridge.running.services;
  await events.settled();
  const since = await lastSequence(bridge);
  const { status, headers, text } = await send();

  expect(headers['content-type'], what).toContain('application/problem+json');
  const problem = problemSchema.parse(JSON.parse(text));
  expect({ code: problem.code, status }, `${what}: ${text}`).toEqual({ code, status: ERRORS[code].status });
  expect(problem).toMatchObject({
    status,
    type: `urn:countersign:error:${code}`,
    title: ERRORS[code].title,
    request_id: headers['x-request-id'],
  });
  expect(headers['cache-control'], what).toBe('no-store');

  await events.settled();
  const page = await events.page({ since, limit: 100 });
  const said = page.filter(({ actor }) => actor.kind !== 'system');
  expect(said, what).toEqual([
    expect.objectContaining({ outcome: 'failure', code, request_id: problem.request_id }),
  ]);
  if (said[0]?.type !== 'policy.denied') {
    expect(said, what).toMatchObject([{ type: 'request.refused', data: { status } }]);
  }
}

/** Holds that `work` leaves every table as it was, but for events and what is remembered to be used once. */
export async function expectNothingStored(bridge: WholeBridge, work: () => Promise<void>): Promise<void> {
  const rows = await storedRows(bridge.store);
  await work();
  expect(await storedRows(bridge.store)).toEqual(rows);
}

async function lastSequence({ store }: WholeBridge): Promise<number> {
  const row = await store.read((query) =>
    query.selectFrom('log_heads').select('size').where('log', '=', 'events').executeTakeFirst(),
  );
  return row?.size ?? 0;
}
