import { systemClock } from '../../bridge/lib/clock.ts';
import { WEBHOOK } from '../../connectors/siem/webhook.ts';
import { httpSinkFixture } from '../contract/http-sink-fixture.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { openReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { openWebhookReceiver } from '../fakes/receivers/webhook-receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

for (const delivery of ['single', 'batch'] as const) {
  describeSink(`webhook, ${delivery}`, async () => {
    const network = await openReceiverNetwork();
    const receiver = await openWebhookReceiver(network, { secret: SECRET, now: systemClock.now });
    return httpSinkFixture({
      ...{ network, receiver, refuse: receiver.refuse },
      ...{ kind: WEBHOOK, format: 'plain', secrets: [SECRET, 'Bearer-of-hooks'] },
      settings: {
        ...{ url: `${receiver.url}/events`, secret: SECRET, delivery },
        headers: 'authorization=Bearer-of-hooks',
      },
    });
  });
}
