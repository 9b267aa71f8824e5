import * as z from 'zod';
import { table, when } from '../output.ts';

export const issuedSchema = z.object({
  id: z.string(),
  name: z.string(),
  audience: z.string(),
  token: z.string(),
});

const deliverySchema = z.object({
  waiting: z.int(),
  sent: z.int(),
  given_up: z.int(),
  failures: z.int(),
  last_success: z.int().nullable(),
  last_error: z.object({ time: z.int(), code: z.string(), detail: z.string() }).nullable(),
});

const receiverSchema = z.object({
  id: z.string(),
  name: z.string(),
  audience: z.string(),
  domains: z.array(z.string()).nullable(),
  stream: z.object({ stream_id: z.string(), status: z.string(), method: z.string() }).nullable(),
  delivery: deliverySchema,
});

const partnerSchema = z.object({ partner: z.string(), knows: z.int(), delivery: deliverySchema });

export const receiversSchema = z.object({ receivers: z.array(receiverSchema) });
export const partnersSchema = z.object({ partners: z.array(partnerSchema) });

type Delivery = z.infer<typeof deliverySchema>;

const DELIVERY = ['waiting', 'sent', 'given up', 'last success', 'failures'];

export function receiverTable(receivers: readonly z.infer<typeof receiverSchema>[]): string {
  return table(
    ['id', 'name', 'about', 'stream', ...DELIVERY],
    receivers.map(({ id, name, domains, stream, delivery }) => [
      ...[id, name, domains?.join(' ') ?? 'everybody'],
      ...[stream === null ? 'none yet' : `${stream.method}, ${stream.status}`, ...cellsOf(delivery)],
    ]),
    'There are none. Register one with `countersign signals add`.',
  );
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
