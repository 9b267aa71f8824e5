import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { SinkKind } from '../../../connectors/siem/sink.ts';
import type { Json } from '../../../protocol/canonical-json.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import type { SinkSettings } from './sealed-settings.ts';

/** How a secret is shown, and how one is sent that is to stay. */
const SET = { set: true } as const;

/** What an administrator gave, checked. `malformed_request` with every fault and its path, never the values. */
export function checkGiven<T>(schema: z.ZodType<T>, given: unknown, within = ''): T {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => {
    const place = [within, ...path.map(String)].filter((part) => part !== '').join('.');
    return `${place || '(all)'}: ${message}`;
  });
  throw new CountersignError('malformed_request', faults.join('; '));
}

/** Settings that the kind takes, as they were given. */
export function checkSettings(kind: SinkKind, settings: SinkSettings): SinkSettings {
  checkGiven(kind.settings, settings, 'settings');
  return settings;
}

/**
 * Member by member: null takes one away, and a secret that comes as it is shown stays. `malformed_request` where a
 * secret that stays would go to another place than it was given for.
 */
export function mergeSettings(
  kind: Pick<SinkKind, 'secrets' | 'destinations'>,
  current: SinkSettings,
  patch: { readonly [name: string]: Json },
): SinkSettings {
  const merged = new Map(Object.entries(current));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else if (!(kind.secrets.includes(name) && isDeepStrictEqual(value, SET))) merged.set(name, value);
  }
  const after = Object.fromEntries(merged);
  assertSecretsStay(kind, current, after, patch);
  return after;
}

function assertSecretsStay(
  { secrets, destinations }: Pick<SinkKind, 'secrets' | 'destinations'>,
  before: SinkSettings,
  after: SinkSettings,
  patch: SinkSettings,
): void {
  const moved = destinations.find((name) => !isDeepStrictEqual(before[name], after[name]));
  if (moved === undefined) return;
  const kept = secrets.filter((name) => {
    const given = patch[name];
    return before[name] !== undefined && (given === undefined || isDeepStrictEqual(given, SET));
  });
  if (kept.length === 0) return;
  const names = kept.map((name) => `settings.${name}`).join(', ');
  throw new CountersignError(
    'malformed_request',
    `settings.${moved}: would take the secrets elsewhere; send ${names} anew with it, or null to take one away`,
  );
}

/** Without the secrets, but for whether they are there. */
export function shownSettings(secrets: readonly string[], settings: SinkSettings): SinkSettings {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, secrets.includes(name) ? SET : value]),
  );
}

/** JSON Schema of what an administrator gives. */
export function settingsSchema(kind: SinkKind): SinkSettings {
  return z.toJSONSchema(kind.settings, { io: 'input', unrepresentable: 'any' }) as SinkSettings;
}
