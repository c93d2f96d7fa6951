import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { View } from '../define/index.ts';
import type { Servers, ValkeyServer } from '../valkey/index.ts';
import type { KeyedView, KeyNames } from './keys.ts';
import { orUnavailable } from './valkey-failure.ts';
import type { EpochMs } from './vector.ts';

/** What a running process says of itself under its key prefix. */
export interface ProcessNote {
  /** The function library that it calls. */
  readonly library: string;
  readonly host: string;
  readonly pid: number;
  readonly since: EpochMs;
  /** It has ended, or cannot reach its store, if it has not said so anew by then. */
  readonly until: EpochMs;
  /** The views that it feeds, such as `user_risk_profile v1`, each with the event that it is of. */
  readonly views: { readonly [view: string]: string };
}

const renewedEveryMs = 60_000; // a minute
/** A note may fail to be renewed twice. */
const holdsMs = 3 * renewedEveryMs;

/**
 * Notes under the prefix that this process runs, by which functions and which views, for as long as it does: one hash, in
 * which each process has a field. Whoever cannot write it for a while is taken for ended, which costs nothing but that its
 * functions may be pruned, and loaded again by its next call.
 */
export class Presence {
  readonly #servers: Servers;
  readonly #key: string;
  readonly #self = randomBytes(6).toString('hex');
  readonly #library: string;
  readonly #views: readonly View[];
  #timer: NodeJS.Timeout | undefined;
  #since: EpochMs | null = null;
  #ended = false;
  #others: readonly ProcessNote[] = [];

  private constructor(servers: Servers, keys: KeyNames, library: string, views: readonly View[]) {
    this.#servers = servers;
    this.#key = keys.processes;
    this.#library = library;
    this.#views = views;
  }

  /** Notes it once, and from then on every minute. A store that is away meanwhile is no matter. */
  static async announce(
    servers: Servers,
    keys: KeyNames,
    library: string,
    views: readonly View[],
    everyMs = renewedEveryMs,
  ): Promise<Presence> {
    const presence = new Presence(servers, keys, library, views);
    await presence.#renew(everyMs);
    return presence;
  }

  /**
   * Views of this process that another one does not feed which takes their events, as of the last renewal: what that one
   * records is not in them.
   */
  get unfed(): readonly { readonly view: View; readonly by: ProcessNote }[] {
    return this.#others.flatMap((by) => {
      const taken = new Set(Object.values(by.views));
      return this.#views
        .filter((view) => taken.has(view.event.name) && !(versionedName(view) in by.views))
        .map((view) => ({ view, by }));
    });
  }

  /** Takes the note back: the process ends, and its functions are free to go at once. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#servers.ask(this.#key, ({ valkey }) => valkey.hdel(this.#key, this.#self)).catch(() => {});
  }

  async #renew(everyMs: number): Promise<void> {
    try {
      await this.#servers.ask(this.#key, ({ valkey }) => this.#note(valkey));
    } catch {
      // It is for whoever serves to say that the store is away.
    }
    if (this.#ended) return;
    this.#timer = setTimeout(() => void this.#renew(everyMs), everyMs).unref();
  }

  async #note(valkey: ValkeyServer['valkey']): Promise<void> {
    const now = await storeNow(valkey);
    this.#since ??= now;
    const views = Object.fromEntries(this.#views.map((view) => [versionedName(view), view.event.name]));
    const note: ProcessNote = {
      ...{ library: this.#library, host: hostname(), pid: process.pid },
      ...{ since: this.#since, until: now + holdsMs, views },
    };
    // Ended meanwhile: what is written now would stay.
    if (this.#ended) return;
    await valkey.multi().hset(this.#key, this.#self, JSON.stringify(note)).pexpire(this.#key, holdsMs).exec();
    const notes = await valkey.hgetall(this.#key);
    const over = Object.keys(notes).filter((field) => noteOf(notes[field]).until < now);
    if (over.length > 0) await valkey.hdel(this.#key, ...over);
    this.#others = Object.keys(notes)
      .filter((field) => field !== this.#self && !over.includes(field))
      .map((field) => noteOf(notes[field]));
  }
}

/**
 * Which processes run under a prefix, by what they say of themselves.
 * @throws UnavailableError
 */
export async function runningProcesses(servers: Servers, keys: KeyNames): Promise<ProcessNote[]> {
  const look = async ({ valkey }: ValkeyServer) => {
    const now = await storeNow(valkey);
    const notes = Object.values(await valkey.hgetall(keys.processes)).map(noteOf);
    return notes.filter(({ until }) => until >= now).sort((one, other) => one.since - other.since);
  };
  return orUnavailable(() => servers.ask(keys.processes, look));
}

/** A view with its version, for people: `user_risk_profile v1`. */
export function versionedName({ name, version }: KeyedView): string {
  return `${name} v${version}`;
}

function noteOf(text: string | undefined): ProcessNote {
  return JSON.parse(text as string) as ProcessNote;
}

async function storeNow(valkey: ValkeyServer['valkey']): Promise<EpochMs> {
  const [seconds, micros] = await valkey.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}
