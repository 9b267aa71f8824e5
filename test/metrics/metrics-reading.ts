/** The samples of a reading in the Prometheus text format: `name{labels}` with labels in order, and its value. */
export function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** Names, types and helps as a reading announces them. */
export function announcedIn(text: string): Map<string, { type: string; doc: string }> {
  const helps = new Map([...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, doc]) => [name, doc]));
  return new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [
      name,
      { type, doc: helps.get(name) ?? '' },
    ]),
  );
}
