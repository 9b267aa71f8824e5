import * as z from 'zod';
import { type ApiClient, ApiProblem } from '../api-client.ts';
import { when } from '../output.ts';

const checkedSchema = z.object({
  record: z.object({ version: z.int(), domains: z.array(z.string()) }),
  policy: z.object({ version: z.int(), hash: z.string() }),
  level: z.string(),
  epoch: z.int(),
  time: z.int(),
  cosignedBy: z.array(z.string()),
  unlogged: z.array(z.string()),
});

/** What the partner's log has of it, as the bridge found it now; or why that could not be found. */
export type PartnerLog = z.infer<typeof checkedSchema> | { readonly failed: string };

export async function checkPartnerLog(api: ApiClient, entityId: string): Promise<PartnerLog> {
  try {
    const query = `entityId=${encodeURIComponent(entityId)}`;
    return await api.get(`/admin/v1/partners/logged-trust?${query}`, checkedSchema);
  } catch (error) {
    // What is pinned is worth showing all the same.
    if (error instanceof ApiProblem) return { failed: error.problem.detail ?? error.problem.title };
    throw error;
  }
}

/** As `facts` has it. */
export function describePartnerLog(log: PartnerLog): Record<string, string | null> {
  if ('failed' in log) return { 'in its log': `NOT SHOWN: ${log.failed}` };
  const { record, policy, level, epoch, time, cosignedBy, unlogged } = log;
  const seen = cosignedBy.length === 0 ? 'by none of your witnesses' : `by ${cosignedBy.join(' ')}`;
  return {
    'in its log': `${level}, epoch ${epoch} of ${when(time)}; seen ${seen}`,
    'its record there': `version ${record.version}: ${record.domains.join(' ') || 'no domains'}`,
    'its policy there': `version ${policy.version}, ${policy.hash}`,
    'NOT ITS OWN there': unlogged.length === 0 ? null : unlogged.join(' '),
  };
}
