import { describe, expect, it } from 'vitest';
import { createTurns } from '../../bridge/lib/turns.ts';

/** Work that says when it began, and ends when it is told to. */
function work(begun: string[], name: string) {
  let end = () => {};
  let fail = (_: Error) => {};
  const ended = new Promise<string>((resolve, reject) => {
    end = () => resolve(name);
    fail = reject;
  });
  const run = () => {
    begun.push(name);
    return ended;
  };
  return { run, end, fail };
}

describe('Work in turns', () => {
  it('goes on at once while there is room for it', async () => {
    const begun: string[] = [];
    const [first, second] = [work(begun, 'first'), work(begun, 'second')];
    const inTurn = createTurns(10);
    const answers = [inTurn(4, first.run), inTurn(6, second.run)];
    first.end();
    second.end();
    expect(await Promise.all(answers)).toEqual(['first', 'second']);
  });

  it('waits for as much room as it needs, and overtakes nobody', async () => {
    const begun: string[] = [];
    const [large, larger, small] = [work(begun, 'large'), work(begun, 'larger'), work(begun, 'small')];
    const inTurn = createTurns(10);
    const first = inTurn(6, large.run);
    const others = [inTurn(8, larger.run), inTurn(2, small.run)];
    await turn();
    expect(begun).toEqual(['large']);
    large.end();
    await first;
    await turn();
    expect(begun).toEqual(['large', 'larger', 'small']);
    larger.end();
    small.end();
    expect(await Promise.all(others)).toEqual(['larger', 'small']);
  });

  it('goes alone where it is larger than the room', async () => {
    const begun: string[] = [];
    const [huge, small] = [work(begun, 'huge'), work(begun, 'small')];
    const inTurn = createTurns(10);
    const answers = [inTurn(1_000, huge.run), inTurn(1, small.run)];
    await turn();
    expect(begun).toEqual(['huge']);
    huge.end();
    small.end();
    expect(await Promise.all(answers)).toEqual(['huge', 'small']);
  });

  it('makes room when it fails', async () => {
    const begun: string[] = [];
    const [failing, next] = [work(begun, 'failing'), work(begun, 'next')];
    const inTurn = createTurns(10);
    const failed = inTurn(10, failing.run);
    const answer = inTurn(10, next.run);
    failing.fail(new Error('it failed'));
    await expect(failed).rejects.toThrow('it failed');
    next.end();
    expect(await answer).toBe('next');
  });

  it('makes room when it throws before it waits for anything', async () => {
    const inTurn = createTurns(10);
    const throws = () => {
      throw new Error('it threw');
    };
    await expect(inTurn(10, throws)).rejects.toThrow('it threw');
    expect(await inTurn(10, async () => 'next')).toBe('next');
  });
});

/** Until everything that needs nobody else has happened. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
