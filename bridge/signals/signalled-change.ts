import * as z from 'zod';
import { CAEP } from './event-uris.ts';

const credentialChange = z.looseObject({ change_type: z.enum(['create', 'update', 'revoke', 'delete']) });

/** What happened to the key of an address, as whoever watches the address is told of it. A hint: it proves nothing. */
export function changeOf(event: string, said: unknown): 'published' | 'revoked' {
  if (event === CAEP.sessionRevoked) return 'revoked';
  if (event !== CAEP.credentialChange) return 'published';
  const parsed = credentialChange.safeParse(said);
  const gone = parsed.success && ['revoke', 'delete'].includes(parsed.data.change_type);
  return gone ? 'revoked' : 'published';
}
