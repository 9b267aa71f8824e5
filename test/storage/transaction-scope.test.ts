import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TransactionScope } from '../../bridge/storage/transaction-scope.ts';

describe('The scope of transactions', () => {
  it('knows each transaction, whichever have ended before', async () => {
    const scope = new TransactionScope();
    for (const _ of [1, 2, 3]) {
      const inside = scope.run(async () => {
        await nextTurn();
        scope.assertOutside();
      });
      await expect(inside).rejects.toMatchObject({ code: 'storage_nested' });
      scope.assertOutside();
    }
  });

  it('knows one that goes on when another has ended', async () => {
    const scope = new TransactionScope();
    let end = () => {};
    const long = scope.run(async () => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      scope.assertOutside();
    });
    await scope.run(() => nextTurn());
    end();
    await expect(long).rejects.toMatchObject({ code: 'storage_nested' });
  });

  it('has ended for what it left running', async () => {
    const scope = new TransactionScope();
    let left: Promise<void> | undefined;
    await scope.run(async () => {
      left = nextTurn().then(() => scope.assertOutside());
    });
    await expect(left).resolves.toBeUndefined();
  });
});
