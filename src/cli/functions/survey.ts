import { KeyNames, type ProcessNote, runningProcesses } from '../../engine/index.ts';
import { loadedLibraries, removeLibrary, type Servers, scanKeys } from '../../valkey/index.ts';

/** A process that says that it calls a library, and the key prefix under which it runs. */
export interface LibraryUser {
  readonly prefix: string;
  readonly process: ProcessNote;
}

/** A function library of Freshet. */
export interface SurveyedLibrary {
  readonly name: string;
  readonly bytes: number;
  /** What it serves, by its text: `user_risk_profile v1`. */
  readonly views: readonly string[];
  /** Whether it is the one of the definitions here. */
  readonly isOwn: boolean;
  readonly users: readonly LibraryUser[];
}

const ours = /^freshet_[0-9a-f]{12}$/;

/** All function libraries of Freshet in a Valkey, under whichever prefixes they are used. @param own the name of the one of the definitions here. */
export async function surveyLibraries(servers: Servers, own: string): Promise<SurveyedLibrary[]> {
  const loaded = (await loadedLibraries(servers, 'freshet_')).filter(({ name }) => ours.test(name));
  const users = await libraryUsers(servers);
  return loaded.map(({ name, code }) => ({
    name,
    bytes: Buffer.byteLength(code),
    views: viewsOf(code),
    isOwn: name === own,
    users: users.filter(({ process }) => process.library === name),
  }));
}

/** Whether nobody needs it: no process says that it calls it, and the definitions here, which may be started next, are others. */
export function isOld({ isOwn, users }: SurveyedLibrary): boolean {
  return !isOwn && users.length === 0;
}

/** Removes libraries; those that came to be used since they were surveyed are left, and returned. */
export async function removeOld(servers: Servers, old: readonly SurveyedLibrary[]): Promise<readonly LibraryUser[]> {
  const users = await libraryUsers(servers);
  const spared: LibraryUser[] = [];
  for (const { name } of old) {
    const found = users.filter(({ process }) => process.library === name);
    if (found.length > 0) spared.push(...found);
    else await removeLibrary(servers, name);
  }
  return spared;
}

async function libraryUsers(servers: Servers): Promise<LibraryUser[]> {
  const ending = new KeyNames('').processes;
  const users: LibraryUser[] = [];
  for await (const key of scanKeys(servers, `*${ending}`)) {
    const prefix = key.slice(0, -ending.length);
    const processes = await runningProcesses(servers, new KeyNames(prefix)).catch(unlessOtherKey);
    users.push(...processes.map((process) => ({ prefix, process })));
  }
  return users;
}

/** Of another program, whose keys may end so, too. */
function unlessOtherKey(error: unknown): [] {
  if (error instanceof SyntaxError || error instanceof TypeError) return [];
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return [];
  throw error;
}

/** The generated table at the begin of a library's text has each view's part of its keys: `stem='v1:user_risk_profile:'`. */
function viewsOf(code: string): string[] {
  return Array.from(code.matchAll(/\bstem='v(\d+):(\w+):'/g), ([, version, name]) => `${name} v${version}`);
}
