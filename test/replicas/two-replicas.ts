import type { Stage } from '../../demo/stage/stage.ts';
import { setTestStage } from '../fakes/test-stage.ts';
import { type Company, startCompany } from '../http/two-companies.ts';
import type { Amended, WholeBridge } from '../http/whole-bridge.ts';
import { type Replica, type ReplicaProcess, startReplica } from './replicas.ts';

/** A company whose bridge is two processes on one PostgreSQL and one Redis. */
export interface TwoReplicas {
  readonly stage: Stage;
  readonly company: Company;
  readonly bridge: WholeBridge;
  /** The one in this process. */
  readonly here: Replica;
  readonly there: ReplicaProcess;
  close(): Promise<void>;
}

export async function startTwoReplicas(people: readonly string[], amended?: Amended): Promise<TwoReplicas> {
  const stage = await setTestStage();
  try {
    const company = await startCompany(stage, 'acme', people, amended);
    const { bridge } = company;
    const there = await startReplica(stage, bridge);
    const here = { fetch: stage.fetch };
    return { stage, company, bridge, here, there, close: () => stage.close() };
  } catch (error) {
    await stage.close();
    throw error;
  }
}
