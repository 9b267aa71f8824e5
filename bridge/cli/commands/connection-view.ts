import * as z from 'zod';
import { facts, table, when } from '../output.ts';

export const connectionSchema = z.object({
  id: z.string(),
  name: z.string(),
  protocol: z.enum(['oidc', 'saml']),
  assurance: z.string(),
  status: z.string(),
  settings: z.record(z.string(), z.unknown()),
  domains: z.array(z.string()),
  ours: z.union([
    z.object({ redirectUri: z.string() }),
    z.object({ entityId: z.string(), acsUrl: z.string(), metadataUrl: z.string() }),
  ]),
  hasSecret: z.boolean(),
  tested: z.int().nullable(),
});

export const testedSchema = z.object({
  connection: connectionSchema,
  probe: z.object({
    issuer: z.string(),
    keys: z.array(z.object({ id: z.string(), expires: z.int().nullable() })),
  }),
});

export type Connection = z.infer<typeof connectionSchema>;

/** A connection, what to tell the identity provider, and what to do next. */
export function describeConnection(connection: Connection): string {
  const { id, name, protocol, assurance, status, domains, ours, hasSecret, tested, settings } = connection;
  const told =
    'redirectUri' in ours
      ? { 'redirect URI': ours.redirectUri }
      : { 'entity id': ours.entityId, 'ACS URL': ours.acsUrl, metadata: ours.metadataUrl };
  const parts = [
    facts({
      ...{ id, name, protocol, status, 'people are': `${assurance}s` },
      domains: domains.join(', ') || 'none yet',
      tested: when(tested),
      'secret stored': hasSecret ? 'yes' : 'no',
    }),
    `Tell the identity provider:\n${indented(facts(told))}`,
    `Settings:\n${indented(JSON.stringify(settings, null, 2))}`,
    ...next(status, id),
  ];
  return parts.join('\n\n');
}

/** What the identity provider publishes. */
export function describeTest({ connection, probe }: z.infer<typeof testedSchema>): string {
  const keys = table(
    ['signing key', 'expires'],
    probe.keys.map(({ id, expires }) => [id, when(expires)]),
  );
  const parts = [
    `${connection.id} works: ${probe.issuer} answers.`,
    keys,
    ...next(connection.status, connection.id),
  ];
  return parts.join('\n\n');
}

function next(status: string, id: string): string[] {
  if (status === 'draft') return [`Next: countersign connection test ${id}`];
  if (status === 'tested') return [`Next: countersign connection activate ${id}`];
  return [];
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
