import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../bridge/config/index.ts';
import { STOP_GRACE_MS } from '../../bridge/lib/limits.ts';
import { describeWithHelm } from './helm-binary.ts';
import {
  CHART,
  objectOf,
  pathOf,
  renderChart,
  renderObjects,
  runHelm,
  VALUE_FILES,
  type ValueFile,
} from './render-chart.ts';

const KEK = Buffer.alloc(32, 7).toString('base64url');

/** What the Secret and the ConfigMaps hold, as the pod sees it. */
const FILES: Record<string, string> = {
  '/run/countersign/secrets/key-encryption-key': KEK,
  '/run/countersign/secrets/previous-key-encryption-key': Buffer.alloc(32, 8).toString('base64url'),
  '/run/countersign/secrets/database-url': 'postgres://bridge:pw@db.acme.example/countersign',
  '/run/countersign/secrets/cache-url': 'rediss://bridge:pw@valkey.acme.example:26379',
  '/run/countersign/tls/tls.crt': 'certificate',
  '/run/countersign/tls/tls.key': 'key',
  '/run/countersign/secrets/sentinel-password': 'pw',
  '/run/countersign/certificates/outbound.crt': 'certificates',
  '/run/countersign/certificates/database.crt': 'certificates',
  '/run/countersign/certificates/cache.crt': 'certificates',
};

function readAsPod(path: string): string {
  const content = FILES[path];
  if (content === undefined) throw new Error(`the chart mounts no ${path}`);
  return content;
}

const parseAsPod = (text: string) =>
  parseConfig(text, { env: {}, directory: '/etc/countersign', readFile: readAsPod });

interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Record<string, unknown>;
  readonly containers: readonly [Container];
  readonly volumes: readonly { name: string; secret?: { secretName: string; items?: { path: string }[] } }[];
}

interface Container {
  readonly image: string;
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly securityContext: Record<string, unknown>;
  readonly livenessProbe?: { httpGet: Record<string, unknown> };
  readonly readinessProbe?: { httpGet: Record<string, unknown> };
  readonly volumeMounts: readonly { name: string; mountPath: string }[];
}

interface DeploymentSpec {
  readonly replicas: number;
  readonly strategy: { type: string };
  readonly template: { metadata: { annotations: Record<string, string> }; spec: PodSpec };
}

describeWithHelm('the chart', (helm) => {
  const deploymentOf = (name: ValueFile, set: readonly string[] = []) =>
    objectOf(renderObjects(helm, name, set), 'Deployment').spec as DeploymentSpec;
  const configOf = (name: ValueFile, set: readonly string[] = []) => {
    const { data } = objectOf(renderObjects(helm, name, set), 'ConfigMap');
    return (data as Record<string, string>)['countersign.yaml'] ?? '';
  };

  it.each(VALUE_FILES)('passes the linter with the %s values', (name) => {
    const { ok, text } = runHelm(helm, ['lint', '--strict', CHART, '-f', pathOf(name)]);
    expect(text).toContain('0 chart(s) failed');
    expect(ok).toBe(true);
  });

  it.each(VALUE_FILES)('renders the %s values as it did before', async (name) => {
    await expect(renderChart(helm, name).out).toMatchFileSnapshot(`snapshots/${name}.yaml`);
  });

  it.each(VALUE_FILES)('writes a configuration that the bridge takes, from the %s values', (name) => {
    expect(parseAsPod(configOf(name))).toMatchObject({
      issuer: expect.stringMatching(/^https:\/\/bridge\.acme/),
    });
  });

  it('has the defaults of the bridge itself', () => {
    const least = parse(configOf('embedded'));
    const spoken = ['issuer', 'organization', 'signer', 'storage', 'cache'] as const;
    const bare = Object.fromEntries(spoken.map((key) => [key, least[key]]));
    const defaults = parseAsPod(JSON.stringify({ ...bare, listen: { trusted_proxies: ['10.0.0.0/16'] } }));
    expect(parseAsPod(configOf('embedded'))).toEqual(defaults);
  });

  it('keeps the text of a name as it is, whatever stands in it', () => {
    const odd = 'Acme: "a" {b} #c';
    expect(
      parseAsPod(configOf('embedded', [`config.organization.name=${odd.replace(/[{}]/g, '\\$&')}`])),
    ).toMatchObject({ organization: { name: odd } });
  });

  it.each(VALUE_FILES)('mounts every file that the configuration of the %s values names', (name) => {
    const { containers } = deploymentOf(name).template.spec;
    const mounts = containers[0].volumeMounts.map(({ mountPath }) => `${mountPath}/`);
    const named = configOf(name).match(/\/(?:run|var)\/[\w./-]+/g) ?? [];
    expect(named.length).toBeGreaterThan(1);
    for (const path of named) expect(mounts.filter((mount) => path.startsWith(mount))).toHaveLength(1);
  });

  it.each(VALUE_FILES)('runs the bridge of the %s values with no more rights than it needs', (name) => {
    const { spec } = deploymentOf(name).template;
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(spec.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      privileged: false,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('gives open requests the time that the bridge gives them, after the proxies have noticed', () => {
    const drainSeconds = 9;
    const { terminationGracePeriodSeconds } = deploymentOf('embedded', [
      `termination.drainSeconds=${drainSeconds}`,
    ]).template.spec;
    expect(terminationGracePeriodSeconds * 1_000).toBeGreaterThan(STOP_GRACE_MS + drainSeconds * 1_000);
    const short = STOP_GRACE_MS / 1_000 + drainSeconds;
    const { ok, text } = renderChart(helm, 'embedded', [
      `termination.drainSeconds=${drainSeconds}`,
      `termination.gracePeriodSeconds=${short}`,
    ]);
    expect(ok).toBe(false);
    expect(text).toContain('termination.gracePeriodSeconds');
  });

  it('never runs two bridges on one embedded store, nor with a memory each', () => {
    expect(deploymentOf('embedded').strategy.type).toBe('Recreate');
    expect(deploymentOf('replicated').strategy.type).toBe('RollingUpdate');
    expect(deploymentOf('replicated', ['replicas=1', 'cache.driver=memory']).strategy.type).toBe('Recreate');
  });

  it('asks over TLS how the bridge is, where it ends TLS itself', () => {
    const [plain] = deploymentOf('embedded').template.spec.containers;
    const [secured] = deploymentOf('hardened').template.spec.containers;
    expect(plain.livenessProbe?.httpGet).toEqual({ path: '/health/live', port: 'bridge', scheme: 'HTTP' });
    expect(secured.readinessProbe?.httpGet).toEqual({
      path: '/health/ready',
      port: 'bridge',
      scheme: 'HTTPS',
    });
  });

  it('names the image by its digest where there is one, else by the version of the bridge', () => {
    expect(deploymentOf('embedded').template.spec.containers[0].image).toMatch(/countersign:\d+\.\d+\.\d+$/);
    expect(deploymentOf('hardened').template.spec.containers[0].image).toMatch(
      /countersign@sha256:[0-9a-f]{64}$/,
    );
  });

  it('makes new pods when the configuration changes', () => {
    const checksum = (set: readonly string[]) =>
      deploymentOf('embedded', set).template.metadata.annotations['checksum/config'];
    expect(checksum(['config.log.level=warn'])).not.toBe(checksum([]));
    expect(checksum(['service.port=80'])).toBe(checksum([]));
  });

  it('lets nobody in when no client is named', () => {
    const { spec } = objectOf(
      renderObjects(helm, 'hardened', ['networkPolicy.clients=null']),
      'NetworkPolicy',
    );
    expect(spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
    expect((spec as { ingress?: unknown[] | null }).ingress ?? []).toEqual([]);
  });

  it('opens no way to a database or a cache that is not used', () => {
    const ports = (name: ValueFile) =>
      JSON.stringify(objectOf(renderObjects(helm, name), 'NetworkPolicy').spec).match(/(?<="port":)\d+/g);
    expect(ports('embedded')).toEqual(['53', '53', '443']);
    expect(ports('replicated')).toEqual(['53', '53', '443', '8443', '5432', '6379', '26379']);
  });

  it('gives the pod only the secrets that are used', () => {
    const secrets = (name: ValueFile) =>
      deploymentOf(name)
        .template.spec.volumes.flatMap(({ secret }) => secret?.items ?? [])
        .map(({ path }) => path);
    expect(secrets('embedded')).toEqual(['key-encryption-key']);
    expect(secrets('replicated')).toEqual([
      'key-encryption-key',
      'database-url',
      'cache-url',
      'sentinel-password',
    ]);
  });

  it('serves metrics where Prometheus reaches them, and none unless told', () => {
    expect(parseAsPod(configOf('embedded')).metrics).toBeUndefined();
    expect(parseAsPod(configOf('replicated', ['metrics.port=9999'])).metrics).toEqual({
      address: '0.0.0.0',
      port: 9999,
    });
  });

  it('shows metrics to the cluster alone, whatever the bridge’s own Service is', () => {
    const set = ['metrics.enabled=true', 'metrics.port=9999', 'metrics.serviceMonitor.enabled=true'];
    const objects = renderObjects(helm, 'hardened', set);
    const services = objects.filter(({ kind }) => kind === 'Service');
    expect(services.map(({ metadata, spec }) => ({ name: metadata.name, spec }))).toMatchObject([
      { name: 'bridge-metrics', spec: { type: 'ClusterIP', ports: [{ name: 'metrics', port: 9999 }] } },
      { name: 'bridge', spec: { type: 'LoadBalancer', ports: [{ name: 'bridge' }] } },
    ]);
    const { spec } = objectOf(objects, 'ServiceMonitor') as unknown as {
      spec: { selector: { matchLabels: Record<string, string> } };
    };
    const chosen = services.filter(({ metadata }) =>
      Object.entries(spec.selector.matchLabels).every(
        ([label, value]) => (metadata.labels as Record<string, string>)[label] === value,
      ),
    );
    expect(chosen.map(({ metadata }) => metadata.name)).toEqual(['bridge-metrics']);
  });

  it('lets the bridge see who asks, where the way into the cluster is told to', () => {
    const specOf = (set: readonly string[]) =>
      objectOf(renderObjects(helm, 'hardened', set), 'Service').spec as Record<string, unknown>;
    expect(specOf([])).toMatchObject({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    expect(specOf(['service.type=ClusterIP'])).not.toHaveProperty('externalTrafficPolicy');
  });

  it('gives both key-encryption keys while one is replaced', () => {
    const set = ['secrets.keys.previousKeyEncryptionKey=old-kek'];
    expect(parseAsPod(configOf('embedded')).signer).not.toHaveProperty('previous_key_encryption_key');
    const { previous_key_encryption_key: previous } = parseAsPod(configOf('embedded', set)).signer;
    expect(previous?.reveal()).toBe(FILES['/run/countersign/secrets/previous-key-encryption-key']);
    const secrets = deploymentOf('embedded', set).template.spec.volumes.flatMap(
      ({ secret }) => secret?.items ?? [],
    );
    expect(secrets).toContainEqual({ key: 'old-kek', path: 'previous-key-encryption-key' });
  });

  it.each(['embedded', 'replicated'] as const)(
    'keeps the head file on a claim of its own, with the %s values',
    (name) => {
      const set = ['keyLog.headFile.existingClaim=log-head'];
      const path = '/var/lib/countersign-head/log-head.json';
      expect(parseAsPod(configOf(name, set)).key_log.head_file).toBe(path);
      const { containers, volumes } = deploymentOf(name, set).template.spec;
      const mount = containers[0].volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
      expect(volumes.find((volume) => volume.name === mount?.name)).toEqual({
        name: mount?.name,
        persistentVolumeClaim: { claimName: 'log-head' },
      });
    },
  );

  it('keeps the store when the release is uninstalled', () => {
    const annotations = (set: readonly string[]) =>
      objectOf(renderObjects(helm, 'embedded', set), 'PersistentVolumeClaim').metadata.annotations;
    expect(annotations([])).toEqual({ 'helm.sh/resource-policy': 'keep' });
    expect(annotations(['storage.persistence.retain=false'])).toBeUndefined();
  });

  it('runs one pod without a bridge for maintenance', () => {
    const { replicas, template } = deploymentOf('replicated', ['maintenance.enabled=true']);
    const [container] = template.spec.containers;
    expect(replicas).toBe(1);
    expect(container.args).toBeUndefined();
    expect(container.command?.[0]).toBe('sh');
    expect(container.livenessProbe).toBeUndefined();
  });

  it.each(VALUE_FILES)('says what comes next with the %s values', (name) => {
    const args = ['install', 'countersign', CHART, '-n', 'acme', '--dry-run=client', '-f', pathOf(name)];
    const { ok, out } = runHelm(helm, args);
    expect(ok).toBe(true);
    const notes = out.slice(out.indexOf('NOTES:'));
    expect(notes).toContain('countersign init');
    expect(notes).toContain('-n acme -- countersign admin link');
  });
});

/** Values that would run and be wrong, or would not run: what is changed, and what the refusal names. */
const REFUSED: readonly (readonly [string, ValueFile, readonly string[], RegExp])[] = [
  ['a value that there is not', 'embedded', ['replica=1'], /additional properties 'replica' not allowed/],
  ['a key that countersign.yaml has not', 'embedded', ['config.log.levle=info'], /'levle' not allowed/],
  ['a key deep in a list', 'embedded', ['networkPolicy.clients[0].podSelectr.a=b'], /podSelectr/],
  ['two bridges on the embedded store', 'embedded', ['replicas=2'], /replicas: 2 bridges cannot share/],
  ['two bridges with a memory each', 'replicated', ['cache.driver=memory'], /replicas: 3 bridges cannot/],
  ['no name of the Secret', 'embedded', ['secrets.existingSecret='], /secrets\/existingSecret/],
  ['no issuer', 'embedded', ['config.issuer='], /config\/issuer/],
  ['an issuer with a path', 'embedded', ['config.issuer=https://acme.example/bridge'], /config\/issuer/],
  ['no image', 'embedded', ['image.repository='], /image\/repository/],
  ['a digest that is none', 'embedded', ['image.digest=sha256:abc'], /image\/digest/],
  ['nobody who ends TLS', 'embedded', ['config.listen.trusted_proxies=null'], /trusted_proxies/],
  ['to run as root', 'embedded', ['podSecurity.runAsUser=0'], /podSecurity\/runAsUser/],
  ['a secret among the values', 'embedded', ['secrets.keyEncryptionKey=x'], /'keyEncryptionKey' not allowed/],
  ['a store on many nodes', 'embedded', ['storage.persistence.accessMode=ReadWriteMany'], /accessMode/],
  [
    'Sentinels that watch nothing',
    'replicated',
    ['cache.redis.sentinelGroup='],
    /cache\.redis\.sentinelGroup/,
  ],
  ['a monitor of no metrics', 'embedded', ['metrics.serviceMonitor.enabled=true'], /metrics\.enabled/],
];

describeWithHelm('the chart refuses', (helm) => {
  it.each(REFUSED)('%s', (_what, name, set, names) => {
    const { ok, text } = renderChart(helm, name, set);
    expect(text).toMatch(names);
    expect(ok).toBe(false);
  });
});
