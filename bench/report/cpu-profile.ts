import { fileURLToPath } from 'node:url';
import { percent, table } from './table.ts';

/** As V8's sampling profiler writes it. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** Whose code a function is. */
interface Place {
  /** A folder of ours, a package, Node itself, or what V8 does besides. */
  readonly category: string;
  /** A file, or the category where there is none. */
  readonly file: string;
}

/** Share of the time that the process was not idle, of 1. */
export interface SelfTime {
  readonly name: string;
  readonly share: number;
}

export interface ProfileSummary {
  /** Share of the whole time in which there was nothing to do. */
  readonly idle: number;
  readonly categories: readonly SelfTime[];
  readonly files: readonly SelfTime[];
  readonly functions: readonly SelfTime[];
}

const root = new URL('../..', import.meta.url).href;
const withoutCode = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'V8 and system calls'],
  ['(root)', 'V8 and system calls'],
]);

/** What Node calls to send: almost all of it is the system's. */
const socketWrite = /^write(Latin1String|Utf8String|AsciiString|Ucs2String|Buffer|v)$/;
const writing: Place = { category: 'writing to sockets', file: 'writing to sockets' };

/** Where the time goes, by self time: what native code that is called by JavaScript takes is its caller's. */
export function summarize({ nodes, samples, timeDeltas }: CpuProfile): ProfileSummary {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const selfUs = new Map<number, number>();
  for (const [i, id] of samples.entries()) selfUs.set(id, (selfUs.get(id) ?? 0) + (timeDeltas[i] ?? 0));
  const placed = (node: ProfileNode | undefined): Place => {
    if (!node) return { category: 'V8 and system calls', file: 'V8 and system calls' };
    return placeOf(node) ?? placed(byId.get(parents.get(node.id) ?? 0));
  };
  const [categories, files, functions] = [new Tally(), new Tally(), new Tally()];
  let idleUs = 0;
  let allUs = 0;
  for (const node of nodes) {
    const us = selfUs.get(node.id) ?? 0;
    // Starting the profiler is none of what is looked at.
    if (node.callFrame.url === 'node:inspector') continue;
    allUs += us;
    if (node.callFrame.functionName === '(idle)') {
      idleUs += us;
      continue;
    }
    const { category, file } = placed(node);
    categories.add(category, us);
    files.add(file, us);
    functions.add(`${node.callFrame.functionName || '(anonymous)'}  ${file}`, us);
  }
  const busyUs = allUs - idleUs;
  return {
    idle: idleUs / allUs,
    categories: categories.shares(busyUs),
    files: files.shares(busyUs),
    functions: functions.shares(busyUs),
  };
}

/** Null: of no file, so it is whose it is called by. */
function placeOf({ callFrame: { functionName, url } }: ProfileNode): Place | null {
  const meta = withoutCode.get(functionName);
  if (meta !== undefined) return { category: meta, file: meta };
  if (url === '') return socketWrite.test(functionName) ? writing : null;
  if (url.startsWith('node:')) return { category: 'Node itself', file: url };
  const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (name !== undefined) return { category: `package ${name}`, file: `package ${name}` };
  const path = url.startsWith(root) ? fileURLToPath(url).slice(fileURLToPath(root).length) : url;
  const folder = path.split('/').slice(0, -1).slice(0, 2).join('/');
  return { category: folder ? `own: ${folder}` : path, file: path };
}

class Tally {
  readonly #us = new Map<string, number>();

  add(name: string, us: number): void {
    this.#us.set(name, (this.#us.get(name) ?? 0) + us);
  }

  shares(ofUs: number): SelfTime[] {
    return [...this.#us].map(([name, us]) => ({ name, share: us / ofUs })).sort((a, b) => b.share - a.share);
  }
}

const shownFiles = 15;
const shownFunctions = 20;
const leastShare = 0.005;

export function profileText({ idle, categories, files, functions }: ProfileSummary): string {
  const rows = (times: readonly SelfTime[]) =>
    times.filter(({ share }) => share >= leastShare).map(({ name, share }) => [percent(share), name]);
  const part = (head: string, times: readonly SelfTime[]) =>
    table([{ head: 'self time' }, { head, left: true }], rows(times));
  return [
    `idle ${percent(idle)} of the time; of the rest`,
    part('whose', categories),
    part('file', files.slice(0, shownFiles)),
    part('function', functions.slice(0, shownFunctions)),
  ].join('\n\n');
}
