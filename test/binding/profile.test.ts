import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { meSchema } from '../../protocol/api.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { enrol, holder, newDevice } from '../fakes/client-side.ts';
import { expectCode } from './expect-code.ts';
import { revoke } from './revoke.ts';

const ALICE = 'alice@acme.example';

let parts: BridgeParts;
let alice: string;

beforeEach(async () => {
  parts = await bridgeParts();
  alice = await parts.addPerson({ name: 'Alice', addresses: [ALICE, 'a.smith@acme.example'] });
});

afterEach(async () => {
  await parts.remove();
});

describe('what stands there about a person', () => {
  it('is name and addresses before they enrol', async () => {
    const who = holder(alice, await newDevice(parts.engine));
    expect(await parts.profiles.describe(who)).toEqual({
      iss: parts.signer.iss,
      sub: alice,
      organization: 'Acme',
      name: 'Alice',
      addresses: [ALICE, 'a.smith@acme.example'],
      assurance: 'member',
      credential: null,
      device_binding: null,
      devices: [],
    });
  });

  it('is credential, device binding and devices once they have', async () => {
    const { who, result, device } = await enrol(parts, alice);
    const me = meSchema.parse(await parts.profiles.describe(who));
    expect(me.credential).toEqual(result.credential);
    expect(me.device_binding).toBe(result.device_binding);
    const added = Math.floor(parts.clock.now() / 1000);
    expect(me.devices).toEqual([{ device_id: device.sig.kid, label: 'laptop', added, current: true }]);
  });

  it('has no device binding on a device that is not endorsed', async () => {
    await enrol(parts, alice);
    const me = await parts.profiles.describe(holder(alice, await newDevice(parts.engine)));
    expect(me.credential).not.toBeNull();
    expect(me.device_binding).toBeNull();
  });

  it('shows nobody else’s device binding on a device that two people share', async () => {
    const { who } = await enrol(parts, alice);
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    const me = await parts.profiles.describe({ ...who, sub: bob });
    expect(me).toMatchObject({ credential: null, device_binding: null, devices: [] });
  });

  it('has no credential after a reset, and is refused to a closed person', async () => {
    const { who } = await enrol(parts, alice);
    await revoke(parts, ALICE, 'reset');
    expect(await parts.profiles.describe(who)).toMatchObject({ credential: null, devices: [] });
    await enrol(parts, alice);
    await revoke(parts, ALICE, 'closed');
    await expectCode(parts.profiles.describe(who), 'person_closed');
  });
});
