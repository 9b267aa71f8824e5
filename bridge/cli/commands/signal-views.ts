import * as z from 'zod';
import { facts, table, when } from '../output.ts';

export const issuedSchema = z.object({
  id: z.string(),
  name: z.string(),
  audience: z.string(),
  token: z.string(),
  token_expires: z.int(),
  former_token_expires: z.int().nullable(),
});

const deliverySchema = z.object({
  waiting: z.int(),
  sent: z.int(),
  given_up: z.int(),
  failures: z.int(),
  last_success: z.int().nullable(),
  last_error: z.object({ time: z.int(), code: z.string(), detail: z.string() }).nullable(),
});

export const receiverSchema = z.object({
  id: z.string(),
  name: z.string(),
  audience: z.string(),
  subject_format: z.string(),
  domains: z.array(z.string()).nullable(),
  endpoint_host: z.string().nullable(),
  held: z.string().nullable(),
  token_expires: z.int(),
  former_token_expires: z.int().nullable(),
  stream: z
    .object({
      ...{ stream_id: z.string(), status: z.string(), method: z.string() },
      ...{ reason: z.string().nullable(), pushed_to: z.string().nullable() },
    })
    .nullable(),
  delivery: deliverySchema,
});

const partnerSchema = z.object({ partner: z.string(), knows: z.int(), delivery: deliverySchema });

export const receiversSchema = z.object({ receivers: z.array(receiverSchema) });
export const partnersSchema = z.object({ partners: z.array(partnerSchema) });

type Delivery = z.infer<typeof deliverySchema>;
type Receiver = z.infer<typeof receiverSchema>;

const DELIVERY = ['waiting', 'sent', 'given up', 'last success', 'failures'];

export function receiverTable(receivers: readonly Receiver[]): string {
  return table(
    ['id', 'name', 'about', 'host', 'token until', 'stream', ...DELIVERY],
    receivers.map(({ id, name, domains, endpoint_host, token_expires, stream, delivery }) => [
      ...[id, name, domains?.join(' ') ?? 'everybody', endpoint_host ?? 'any public', when(token_expires)],
      ...[stream === null ? 'none yet' : `${stream.method}, ${stream.status}`, ...cellsOf(delivery)],
    ]),
    'There are none. Register one with `countersign signals add`.',
  );
}

export function describeReceiver(receiver: Receiver): string {
  const { id, name, audience, domains, endpoint_host, held, stream, delivery, ...rest } = receiver;
  const { last_error: error, failures } = delivery;
  const former = rest.former_token_expires;
  return facts({
    ...{ id, name, audience, 'people named by': rest.subject_format },
    about: domains?.join(' ') ?? 'everybody',
    'may be pushed to': endpoint_host ?? 'any public host',
    'token until': when(rest.token_expires),
    'token before': former === null ? null : `until ${when(former)}`,
    stream: stream === null ? 'none yet' : `${stream.method}, ${stream.status}`,
    'pushed to': stream?.pushed_to ?? null,
    reason: stream?.reason ?? null,
    held: held === null ? null : `${held}, by an administrator`,
    ...{
      waiting: String(delivery.waiting),
      sent: String(delivery.sent),
      'given up': String(delivery.given_up),
    },
    'last success': when(delivery.last_success),
    failing: failures === 0 || error === null ? null : `${failures}×: ${error.detail}`,
  });
}

export function partnerTable(partners: readonly z.infer<typeof partnerSchema>[]): string {
  return table(
    ['partner', 'knows', ...DELIVERY],
    partners.map(({ partner, knows, delivery }) => [partner, String(knows), ...cellsOf(delivery)]),
    'There is no active partner.',
  );
}

function cellsOf({ waiting, sent, given_up, failures, last_success, last_error }: Delivery): string[] {
  const failing = failures === 0 || last_error === null ? '-' : `${failures}×: ${last_error.detail}`;
  return [String(waiting), String(sent), String(given_up), when(last_success), failing];
}
