import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { composeWitness } from '../../bridge/http/compose-witness.ts';
import type { Clock } from '../../bridge/lib/clock.ts';
import { createOutbound, type Outbound } from '../../bridge/lib/outbound.ts';
import { witnessKey } from '../../bridge/tlog/witness-key.ts';
import { createWitness, type Witness } from '../../bridge/tlog/witness-server.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { quiet } from '../events/events-fixture.ts';
import { createNames } from '../fakes/names.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';

/** A real witness behind real TLS, and the door through which it is asked. */
export interface WitnessHost {
  readonly key: VerifierKey;
  readonly url: string;
  readonly witness: Witness;
  readonly outbound: Outbound;
  /** The bodies that were sent to the witness; what was answered in its place is named only. */
  readonly asked: readonly string[];
  /** Answers in place of the witness from now on; undefined: the witness again. */
  answerWith(other: RequestListener | undefined): void;
  close(): Promise<void>;
}

/** @param logKeys - of the one log that it is a witness of */
export async function witnessHost(
  name: string,
  logKeys: readonly VerifierKey[],
  clock: Clock,
): Promise<WitnessHost> {
  const host = name.split('/')[0] ?? '';
  const store: TemporaryStore = await temporaryStore(clock);
  const key = witnessKey(name, await generateSigningKey(false));
  const witness = createWitness({
    ...{ database: store.database, clock, key },
    findLogKeys: async (origin) => ({ keys: logKeys.filter((logKey) => logKey.name === origin) }),
  });
  let other: RequestListener | undefined;
  const asked: string[] = [];
  const recorded: Witness = {
    ...witness,
    addCheckpoint(body) {
      asked.push(body);
      return witness.addCheckpoint(body);
    },
  };
  const honest = composeWitness({ witness: recorded, clock, logger: quiet, trustedProxies: [] });
  const ca = await createThrowawayCa();
  const server = createServer(await ca.issue([host]), (request, response) => {
    if (other !== undefined) asked.push('answered by another');
    (other ?? honest)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const names = createNames();
  names.addHost(host, '127.0.0.1');
  const outbound = createOutbound({
    resolver: names,
    allowedNetworks: ['127.0.0.1/32'],
    caCertificates: [ca.certificatePem],
  });
  return {
    key: key.verifier,
    url: `https://${host}:${(server.address() as AddressInfo).port}`,
    witness,
    outbound,
    asked,
    answerWith(listener) {
      other = listener;
    },
    async close() {
      await outbound.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.remove();
    },
  };
}
