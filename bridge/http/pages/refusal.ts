import type { Context, Middleware } from 'koa';
import { CountersignError, ERRORS, isCountersignError } from '../../../protocol/errors.ts';
import { DEVICE_INTERACTION, SignInFailure, type SignInTraces } from '../../identity/sign-in.ts';
import type { RequestState } from '../request-state.ts';
import { answerPage } from './page-answer.ts';
import { refusedPage } from './sign-in-pages.ts';

export type PageContext = Context & { state: RequestState; params: Record<string, string> };

export interface RefusalDeps {
  readonly organization: string;
  readonly traces: SignInTraces;
  /** Counts a refused request against its client address. */
  readonly noteRefusal: (address: string) => Promise<void>;
  /** The interaction of this browser that can still be given up, or null. */
  readonly openInteraction: (ctx: PageContext) => Promise<string | null>;
}

/**
 * Runs a step of a sign-in; what goes wrong is recorded under a trace id, which is all that the browser is told. The
 * connection is the one that the path names, until it is known to be one.
 */
export function withRefusalPage(
  deps: RefusalDeps,
  step: (ctx: PageContext) => Promise<void>,
): Middleware<RequestState> {
  return async (context) => {
    const ctx = context as PageContext;
    try {
      await step(ctx);
    } catch (error) {
      const { requestId, actor } = ctx.state;
      const failed = error instanceof SignInFailure ? error : undefined;
      const cause = failed === undefined ? error : failed.cause;
      const connectionId = failed?.connectionId ?? ctx.params.connection ?? null;
      const traceId = await deps.traces.record({ error: cause, connectionId }, { requestId, actor });
      await deps.noteRefusal(actor.address ?? 'unknown');
      if (isCountersignError(cause, 'payload_too_large')) ctx.set('Connection', 'close');
      answerPage(ctx, {
        status: statusOf(cause),
        markup: refusedPage({
          organization: deps.organization,
          traceId,
          uid: appsOwn(failed?.interaction) ?? (await deps.openInteraction(ctx).catch(() => null)),
        }),
      });
    }
  };
}

/** What a client app began can be given back to it; the device grant's page has nobody to go back to. */
function appsOwn(interaction: string | undefined): string | undefined {
  return interaction?.startsWith(DEVICE_INTERACTION) === true ? undefined : interaction;
}

function statusOf(error: unknown): number {
  return error instanceof CountersignError ? ERRORS[error.code].status : 500;
}
