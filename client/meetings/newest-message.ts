import { statementOf } from './admission-statements.ts';
import type { SignedMessage } from './senders.ts';
import type { Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/** Where a meeting stands by its relay. */
export interface Newest {
  /** Null before the first. */
  readonly message: SignedMessage | null;
  readonly seq: number;
}

/** The newest message that the relay has, with the admission statement that it names, which is in force from now on. */
export async function readNewest(session: Session): Promise<Newest> {
  const { rekey, signers, seq, admission } = await untilSent(session, () => session.parts.relay.state());
  if (rekey === null) return { message: null, seq };
  const message = await session.senders.verify(rekey, signers);
  session.admit(await statementOf(session, message, admission));
  return { message, seq };
}
