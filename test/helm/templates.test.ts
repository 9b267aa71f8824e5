import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CHART } from './render-chart.ts';

/** What Helm itself names: pieces that other templates include, and the text after an installation. */
const OF_HELM = ['_helpers.tpl', 'NOTES.txt'];

const templates = readdirSync(`${CHART}/templates`)
  .filter((name) => !OF_HELM.includes(name))
  .map((name) => [name, readFileSync(`${CHART}/templates/${name}`, 'utf8')] as const);

const kebab = (kind: string) => kind.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase();

describe.each(templates)('the template %s', (name, text) => {
  it('is of one object, after which it is named', () => {
    const kinds = [...text.matchAll(/^kind: (\w+)$/gm)].map((match) => `${kebab(match[1] ?? '')}.yaml`);
    expect(kinds).toHaveLength(1);
    // a second one of a kind says what it is for before that
    expect(name).toMatch(new RegExp(`^(?:[a-z]+-)?${kinds[0]}$`));
  });

  it('takes its name, namespace and labels from where all do', () => {
    const [head = ''] = text.slice(text.indexOf('metadata:')).split(/^\w+:(?<!metadata:)/m);
    expect(head).toMatch(/^ {2}name: \{\{ include "countersign\.\w+" [.$] \}\}(?:-[a-z]+)?$/m);
    expect(head).toMatch(/^ {2}namespace: \{\{ \$?\.Release\.Namespace \}\}$/m);
    expect(head).toContain('include "countersign.labels"');
  });
});
