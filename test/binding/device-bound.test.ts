import { expect, it } from 'vitest';
import { requirePermission } from '../../bridge/binding/permission.ts';
import { DEVICES_PER_PERSON_MAX } from '../../bridge/lib/limits.ts';
import { replaceText, testPolicy } from '../fakes/test-policy.ts';
import { codeOf } from '../protocol/codes.ts';

it('a policy may allow more devices, and no more than one rotation can name', async () => {
  const change = (content: Parameters<typeof replaceText>[0]) =>
    replaceText(content, 'context.devices < 20', 'context.devices < 1000');
  const policy = testPolicy({ change });
  const ask = (devices: number) =>
    requirePermission(
      { policy },
      {
        action: 'request-device',
        principal: { kind: 'person', id: 'ada', assurance: 'member', endorsed: false },
        resource: { kind: 'device', id: 'new', owner: 'ada' },
        context: { devices, signIn: { protocol: 'oidc', amr: [], multiFactor: false } },
      },
    );
  expect(() => ask(DEVICES_PER_PERSON_MAX - 1)).not.toThrow();
  expect(await codeOf(async () => ask(DEVICES_PER_PERSON_MAX))).toBe('device_limit');
});
