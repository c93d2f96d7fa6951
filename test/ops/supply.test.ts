import { describe, expect, test } from 'vitest';
import { read } from './manifests.ts';

interface Package {
  readonly dependencies?: { readonly [name: string]: string };
  readonly devDependencies?: { readonly [name: string]: string };
  readonly optionalDependencies?: { readonly [name: string]: string };
}

interface Locked extends Package {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
}

const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

function packageIn(folder: string) {
  const packageJson = JSON.parse(read(`${folder}package.json`)) as Package;
  const lock = JSON.parse(read(`${folder}package-lock.json`)) as {
    readonly packages: { readonly [path: string]: Locked };
  };
  return { packageJson, lock, locked: Object.entries(lock.packages).filter(([path]) => path !== '') };
}

describe.each(['', 'bench/'])('what %spackage.json asks for', (folder) => {
  const { packageJson, lock, locked } = packageIn(folder);

  test('is asked for by its exact version', () => {
    const wanted = kinds.flatMap((kind) => Object.entries(packageJson[kind] ?? {}));
    for (const [name, version] of wanted) expect(`${name} ${version}`).toMatch(/^\S+ \d+\.\d+\.\d+$/);
  });

  test('is what the lock file holds', () => {
    for (const kind of kinds) {
      expect(lock.packages['']?.[kind] ?? {}).toEqual(packageJson[kind] ?? {});
      for (const [name, version] of Object.entries(packageJson[kind] ?? {})) {
        expect(`${name} ${lock.packages[`node_modules/${name}`]?.version}`).toBe(`${name} ${version}`);
      }
    }
  });

  test('is told from everything else by what it hashes to, whichever registry it comes from', () => {
    for (const [path, { resolved, integrity }] of locked) {
      expect(`${path} ${integrity}`).toMatch(/ sha512-/);
      expect(`${path} ${resolved}`).toBe(`${path} undefined`);
    }
    expect(read(`${folder}package-lock.json`)).not.toMatch(/"https?:\/\/[^"]*\.tgz"/);
    expect(read(`${folder}.npmrc`)).toContain('omit-lockfile-registry-resolved=true');
  });
});

describe('what is run in production', () => {
  const { locked } = packageIn('');
  const licences = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', '0BSD'];

  test('is under licences that ask for no more than to be named', () => {
    const inProduction = locked.filter(([, { dev }]) => !dev);
    expect(inProduction.length).toBeGreaterThan(50);
    for (const [path, { license }] of inProduction) expect(licences, `${path} is under ${license}`).toContain(license);
  });

  test('is less than two hundred packages, all of their dependencies among them', () => {
    expect(locked.filter(([, { dev }]) => !dev).length).toBeLessThan(200);
  });
});

describe('each dependency', () => {
  const { packageJson } = packageIn('');
  const section = read('ARCHITECTURE.md').split('\n## Dependencies\n')[1] ?? '';
  const rows = Array.from(section.matchAll(/^\| (`.*) \| (.*) \|$/gm), ([, names = '', reason = '']) => ({
    names,
    reason,
  }));
  const named = rows.flatMap(({ names }) => Array.from(names.matchAll(/`([^`]+)`/g), ([, name]) => name as string));

  test('stands with its reason in ARCHITECTURE.md, and nothing else does', () => {
    const wanted = kinds.flatMap((kind) => Object.keys(packageJson[kind] ?? {}));
    expect([...new Set(named)].sort()).toEqual(wanted.sort());
    for (const { names, reason } of rows) expect(reason.length, names).toBeGreaterThan(10);
  });
});
