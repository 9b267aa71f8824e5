import { openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { openAuditorKey } from '../../bridge/keylog/audit/auditor-key.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { systemClock } from '../../bridge/lib/clock.ts';

/** One run of an auditor in a process of its own, for whoever wants to kill it. */
const [bridge = '', state = '', key = ''] = process.argv.slice(2);
const auditor = await openAuditor({
  ...{ bridge, state, request: boundedRequest(fetch), clock: systemClock, saveEvery: 512 },
  signer: await openAuditorKey(key),
});
const outcome = await auditor.run();
await auditor.close();
process.exitCode = outcome.outcome === 'verified' ? 0 : 3;
