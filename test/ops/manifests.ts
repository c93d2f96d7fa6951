import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { parse, parseAllDocuments } from 'yaml';
import composeSpec from './compose-spec/compose-spec.json' with { type: 'json' };

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** A Kubernetes object, as far as all of them are alike. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [part: string]: unknown;
}

export function read(file: string): string {
  return readFileSync(join(repository, file), 'utf8');
}

/** The names of the YAML files in a folder, with the folder before them. */
export function yamlFiles(folder: string): string[] {
  return readdirSync(join(repository, folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name));
}

/** Every file for Docker Compose, wherever in the root or under ops/ it lies. */
export function composeFiles(): string[] {
  const all = readdirSync(join(repository, 'ops'), { recursive: true, encoding: 'utf8' }).map((name) =>
    join('ops', name),
  );
  return [...readdirSync(repository), ...all].filter((name) => /compose[\w.-]*\.ya?ml$/.test(name)).sort();
}

export function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

// It names its parts by `id`, as an older draft has it: nothing refers to them so.
const withoutIds = JSON.stringify(composeSpec, (key, value) =>
  key === 'id' && typeof value === 'string' ? undefined : value,
);
const { $schema: _, ...schema } = JSON.parse(withoutIds);
const ajv = new Ajv2019({
  strict: false,
  allErrors: true,
  formats: {
    duration: /^(\d+(us|ms|s|m|h))+$/,
    subnet_ip_address: true,
    expose: /^\d+(-\d+)?(\/[a-z]+)?$/,
    ports: /^[\d.:-]+(\/[a-z]+)?$/,
  },
});
const isCompose = ajv.compile(schema);

/** What a Compose file says: parts of it may be merged into others (`<<`). */
export const composeOf = (text: string): unknown => parse(text, { merge: true });

/** What the Compose specification's schema has against a file; nothing, if it is right. */
export function composeFaults(text: string): string[] {
  return isCompose(composeOf(text))
    ? []
    : (isCompose.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
      );
}

/**
 * What the schemas of Kubernetes' API have against objects: in types, values and what is missing by the validators that were made of
 * them, in names that they do not know by the types that were made of them. Nothing, if all is right.
 */
export async function kubernetesFaults(manifests: readonly Manifest[]): Promise<string[]> {
  const invalid = await Promise.all(manifests.map(invalidity));
  return [...invalid.flat(), ...unknownNames(manifests)];
}

async function invalidity(manifest: Manifest): Promise<string[]> {
  const { apiVersion, kind } = manifest;
  try {
    const module = `kubernetes-models/${apiVersion}/${kind}`;
    const { [kind]: Model } = (await import(module)) as {
      readonly [kind: string]: new (parts: Manifest) => { validate(): void };
    };
    if (!Model) return [`${apiVersion} has no ${kind}`];
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${kind} ${manifest.metadata.name}: ${(error as Error).message}`];
  }
}

function unknownNames(manifests: readonly Manifest[]): string[] {
  // Where packages are found from.
  const folder = mkdtempSync(join(repository, 'node_modules/.cache-manifests-'));
  try {
    const file = join(folder, 'manifests.ts');
    const lines = manifests.map((manifest, i) => {
      const { apiVersion, kind } = manifest;
      return `import type { I${kind} as I${i} } from 'kubernetes-models/${apiVersion}/${kind}';\nexport const m${i}: I${i} = ${JSON.stringify(manifest, null, 2)};\n`;
    });
    writeFileSync(file, lines.join('\n'));
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--pretty', 'false', '--types', ''];
    const { status, stdout } = spawnSync(
      join(repository, 'node_modules/.bin/tsc'),
      [...options, '--module', 'nodenext', '--target', 'es2024', file],
      {
        encoding: 'utf8',
      },
    );
    return status === 0 ? [] : stdout.trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
