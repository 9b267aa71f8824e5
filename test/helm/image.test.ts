import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { allowedPaths, parseDockerfile, wordsOf } from './dockerfile.ts';
import { CHART } from './render-chart.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const stages = parseDockerfile(read('Dockerfile'));
const last = stages.at(-1) ?? { name: '', instructions: [] };
const all = (name: string) =>
  last.instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest);

/** That the steps work is shown by prove-image.ts, which takes too long for every day. */
describe('the image', () => {
  it('holds what runs, and nothing that only builds', () => {
    expect(all('COPY')).toEqual([
      'package.json LICENSE ./',
      '--from=modules /app/node_modules ./node_modules',
      '--from=build /app/dist ./dist',
      'policies ./policies',
    ]);
  });

  it('runs as the user that the chart says, by number, and not as root', () => {
    const { runAsUser, runAsGroup } = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')).podSecurity;
    expect(all('USER')).toEqual([`${runAsUser}:${runAsGroup}`]);
    expect(runAsUser).toBeGreaterThan(0);
  });

  it('listens where the configuration does by default, and asks there how it is', () => {
    const port = parse(read('countersign.example.yaml')).listen.port;
    expect(all('EXPOSE')).toEqual([String(port)]);
    expect(wordsOf(last, 'HEALTHCHECK').join(' ')).toContain(`port:${port}`);
  });

  it('runs no scripts of packages when it installs them', () => {
    const installs = stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, rest }) => name === 'RUN' && /\bnpm (ci|i|install)\b/.test(rest));
    expect(installs).toHaveLength(2);
    for (const { rest } of installs) expect(rest).toMatch(/npm ci .*--ignore-scripts/);
  });

  it('is built from everything that the build reads', () => {
    const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] };
    const allowed = allowedPaths(read('.dockerignore'));
    const left = include.filter((path) => !allowed.some((start) => `${path}/`.startsWith(`${start}/`)));
    expect(left).toEqual([]);
  });
});
