import { systemClock } from '../../bridge/lib/clock.ts';
import { WEBHOOK } from '../../connectors/siem/webhook.ts';
import { httpSinkFixture } from '../contract/http-sink-fixture.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { openReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { openWebhookReceiver } from '../fakes/receivers/webhook-receiver.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const FORMS = [
  ['cloudevents', 'single'],
  ['cloudevents', 'batch'],
  ['plain', 'single'],
  ['ocsf', 'batch'],
] as const;

for (const [format, delivery] of FORMS) {
  describeSink(`webhook, ${format}, ${delivery}`, async () => {
    const network = await openReceiverNetwork();
    const receiver = await openWebhookReceiver(network, { secret: SECRET, now: systemClock.now });
    return httpSinkFixture({
      ...{ network, receiver, refuse: receiver.refuse },
      ...{ kind: WEBHOOK, format, secrets: [SECRET, 'Bearer-of-hooks'] },
      settings: {
        ...{ url: `${receiver.url}/events`, secret: SECRET, delivery },
        headers: 'authorization=Bearer-of-hooks',
      },
    });
  });
}
