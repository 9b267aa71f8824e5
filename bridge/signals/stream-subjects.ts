import { CountersignError } from '../../protocol/errors.ts';
import type { Receiver } from './receiver.ts';
import type { SimpleSubject } from './signal.ts';

/**
 * Throws `malformed_request` for a subject of a form in which the receiver is never told of anybody: taking that out of
 * the stream would change nothing, while the receiver believed that it did. To look up whom it means is no way either: by
 * the silence that follows, the receiver would learn which address belongs to which `sub`. `iss` is ours.
 */
export function assertNamedSo(
  { subject_format, domains }: Pick<Receiver, 'subject_format' | 'domains'>,
  subject: SimpleSubject,
  iss: string,
): void {
  // Whoever has no address here is named by `iss` and `sub` to receivers of everybody.
  const bySub = subject_format === 'iss_sub' || domains === null;
  const known =
    subject.format === 'email' ? subject_format === 'email' : subject.format === 'iss_sub' && bySub;
  if (!known) {
    throw new CountersignError('malformed_request', `This stream names people by ${subject_format}.`);
  }
  if (subject.format === 'iss_sub' && subject.iss !== iss) {
    throw new CountersignError('malformed_request', `The iss of this stream’s people is ${iss}.`);
  }
}
