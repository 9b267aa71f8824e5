import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const CHART = fileURLToPath(new URL('../../helm/countersign', import.meta.url));

/** The value files that come with the chart: each is an example, and is rendered by the tests. */
export const VALUE_FILES = ['embedded', 'replicated', 'hardened'] as const;
export type ValueFile = (typeof VALUE_FILES)[number];

export const pathOf = (name: ValueFile) => `${CHART}/ci/${name}-values.yaml`;

/** As much of a Kubernetes object as every object has. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** What Helm did: `text` is what it printed, on both outputs. */
export function runHelm(helm: string, args: readonly string[]): { ok: boolean; text: string; out: string } {
  const { status, stdout, stderr } = spawnSync(helm, args, { encoding: 'utf8', env: quietEnvironment() });
  return { ok: status === 0, text: `${stdout}${stderr}`, out: stdout };
}

/** `helm template`, with values changed as by `--set`. */
export function renderChart(helm: string, name: ValueFile, set: readonly string[] = []) {
  const changes = set.flatMap((change) => ['--set', change]);
  return runHelm(helm, ['template', 'countersign', CHART, '-n', 'acme', '-f', pathOf(name), ...changes]);
}

/** The objects of a rendering that must succeed. YAML 1.1, as Kubernetes reads it. */
export function renderObjects(
  helm: string,
  name: ValueFile,
  set: readonly string[] = [],
): KubernetesObject[] {
  const { ok, text, out } = renderChart(helm, name, set);
  if (!ok) throw new Error(text);
  const documents = parseAllDocuments(out, { version: '1.1' });
  return [...documents]
    .map((document) => document.toJS() as KubernetesObject)
    .filter((found) => found !== null);
}

/** The one object of that kind. */
export function objectOf(objects: readonly KubernetesObject[], kind: string): KubernetesObject {
  const found = objects.filter((object) => object.kind === kind);
  const [only] = found;
  if (only === undefined || found.length !== 1) throw new Error(`There are ${found.length} of ${kind}.`);
  return only;
}

/** Neither the user's clusters nor plug-ins take part. */
function quietEnvironment() {
  return { PATH: process.env.PATH ?? '', HOME: '/nonexistent', KUBECONFIG: '/nonexistent/config' };
}
