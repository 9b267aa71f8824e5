import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AuditFixture, auditFixture } from './audit-fixture.ts';

let fixture: AuditFixture;
beforeEach(async () => {
  fixture = await auditFixture();
});
afterEach(() => fixture.remove());

describe('an auditor of an honest log', () => {
  it('replays it from nothing but the URL', async () => {
    await fixture.log.grow(3, 1, 300, 20);
    const outcome = await fixture.audit();
    expect(outcome).toMatchObject({
      ...{ outcome: 'verified', origin: fixture.log.origin, size: 329, epoch: 4, leaves: 324, replayed: 329 },
      trustedRoot: fixture.log.root,
    });
    expect(fixture.notices).toEqual([expect.stringContaining(fixture.log.root)]);
  });

  it('goes on where it stopped, and fetches nothing twice', async () => {
    await fixture.log.grow(600);
    await fixture.verify();
    await fixture.log.grow(1, 700);
    fixture.log.asked.length = 0;
    expect(await fixture.audit()).toMatchObject({ size: 1305, replayed: 703 });
    expect(fixture.log.asked.filter((path) => path.includes('entries/00'))).toEqual([
      ...[
        '/log/tile/entries/002',
        '/log/tile/entries/003',
        '/log/tile/entries/004',
        '/log/tile/entries/005.p/25',
      ],
    ]);
    expect(await fixture.audit()).toMatchObject({ size: 1305, replayed: 0 });
  });
});
