import { describe, expect, it } from 'vitest';
import { renderAlone, renderChapters } from '../../bench/report/chapter.ts';
import { median, percentile, ratioOfRounds, shown } from '../../bench/report/figures.ts';
import { BEGIN, END, markersOf, withMeasurements } from '../../bench/report/page.ts';

describe('the figures of the bench', () => {
  it('take the middle value as the median, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 2, 3])).toBe(2.5);
    expect(() => median([])).toThrow(RangeError);
  });

  it('leave the measured values in their order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('find percentiles between the nearest ranks', () => {
    const hundred = Array.from({ length: 101 }, (_, index) => index);
    expect(percentile(hundred, 99)).toBe(99);
    expect(percentile([1, 2], 75)).toBe(1.75);
    expect(percentile([7], 99)).toBe(7);
  });

  it('compare within each round, so that a slow moment of the machine does not count', () => {
    // Both sides were ten times slower in two of the rounds; the ratio of the medians would be 0.8.
    expect(ratioOfRounds([70, 7, 8], [100, 10, 10])).toBe(0.7);
    expect(() => ratioOfRounds([1, 2], [1])).toThrow(RangeError);
  });

  it('show three digits', () => {
    expect([0.012345, 4.567, 1234.5, 0].map(shown)).toEqual(['0.0123', '4.57', '1,230', '0']);
  });
});

describe('the page of the bench', () => {
  it('keeps the text around its markers and replaces what is between them', () => {
    const page = `# Speed\n\nWhy.\n\n${BEGIN}\n\nold\n\n${END}\n\nAfterwards.\n`;
    const written = withMeasurements(page, 'new\n');
    expect(written).toBe(`# Speed\n\nWhy.\n\n${BEGIN}\n\nnew\n\n${END}\n\nAfterwards.\n`);
    expect(withMeasurements(written, 'new')).toBe(written);
  });

  it.each([
    ['no markers', 'text'],
    ['no end', `a ${BEGIN} b`],
    ['the end first', `a ${END} b ${BEGIN} c`],
    ['two beginnings', `${BEGIN} ${BEGIN} ${END}`],
    ['two ends', `${BEGIN} ${END} ${END}`],
  ])('is left alone where there is %s', (_what, page) => {
    expect(() => withMeasurements(page, 'new')).toThrow(BEGIN);
  });

  it('replaces what is measured alone in its own place, and leaves that as it is otherwise', () => {
    const alone = markersOf('joining');
    const page = `${BEGIN}\n\nold\n\n${END}\n\n${alone.begin}\n\nkept\n\n${alone.end}\n`;
    expect(withMeasurements(page, 'new')).toBe(page.replace('old', 'new'));
    expect(withMeasurements(page, 'new', alone)).toBe(page.replace('kept', 'new'));
  });

  it('shows a chapter that was measured alone with its goals, and with where and when', () => {
    const goal = { name: 'joining', wanted: 'reported', measured: '9 s', met: null };
    const chapter = { title: 'Joining', text: 'How.', tables: [], goals: [goal] };
    const text = renderAlone(chapter, { head: ['', ''], rows: [['Date', 'today']] });
    expect(text.startsWith('## Joining\n\nHow.')).toBe(true);
    expect(text).toContain('| joining | reported | 9 s |  |');
    expect(text).toContain('| Date | today |');
  });

  it('shows every goal before the chapters, missed ones marked', () => {
    const goal = { name: 'rate', wanted: 'at least 0.7', measured: '0.5', met: false };
    const table = { head: ['a', 'b'], rows: [['1', '2']] };
    const chapter = { title: 'Look-up', text: 'How.', tables: [table], goals: [goal] };
    const text = renderChapters([chapter], { head: ['', ''], rows: [['Date', 'today']] });
    expect(text).toContain('| rate | at least 0.7 | 0.5 | **missed** |');
    expect(text).toContain('| a | b |\n| --- | --- |\n| 1 | 2 |');
    expect(text.indexOf('rate')).toBeLessThan(text.indexOf('## Look-up'));
  });
});
