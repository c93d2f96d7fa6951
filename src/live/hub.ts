import type { View } from '../define/index.ts';
import { type Engine, invalidIdError, UnavailableError, type Vector } from '../engine/index.ts';
import { type KeyspaceEvents, unavailableReason } from '../valkey/index.ts';
import { Audience } from './audience.ts';
import { Decay } from './decay.ts';
import { Pump, type Watched } from './pump.ts';
import { Sweep } from './sweep.ts';
import { isNewer, type Watch, Watcher, type WatcherLife, type WatchOptions } from './watcher.ts';

export interface HubOptions {
  readonly engine: Engine;
  readonly events: Pick<
    KeyspaceEvents,
    'listen' | 'subscribe' | 'unsubscribe' | 'problem' | 'commandProblem' | 'settle' | 'storeNow' | 'askTime'
  >;
  /** How often all that is watched is read though nothing was heard of it; null, the default: never. */
  readonly sweepMs?: number | null;
  /** Told of every read that failed and is tried again. */
  readonly onReadFailure?: (error: unknown) => void;
}

interface Entity extends Watched {
  readonly key: string;
  readonly watchers: Audience<Watcher>;
  /** The newest that is known; null before the first read. */
  last: Vector | null;
  /** The hub's moments of the newest read that was delivered, and when it was last heard that there is something new. */
  readAt: number;
  heardAt: number;
  /** The moments at which `last` came as the answer to what was recorded here, and of the newest gap; 0: there was none. */
  answeredAt: number;
  gapAt: number;
  /** When the key's subscription is acknowledged. */
  subscribed: Promise<void>;
}

/** What this process was answered when it recorded. */
interface Answer {
  readonly entity: Entity;
  readonly vector: Vector;
  /** How many events that brought. */
  readonly applied: number;
}

const subscribed: Promise<void> = Promise.resolve();

/** The served hash is no longer under its key. */
const losses: ReadonlySet<string> = new Set(['del', 'expired', 'evicted', 'rename_from', 'move_from']);
/** Of the key, not of what it holds. */
const indifferent: ReadonlySet<string> = new Set(['expire', 'persist']);

/**
 * Knows who watches what, and brings each what is new. It subscribes first and reads then, so nothing falls between; takes
 * a notification as a hint to read; and serves all watchers of an entity by one read.
 */
export class Hub {
  readonly #engine: Engine;
  readonly #events: HubOptions['events'];
  readonly #onReadFailure: (error: unknown) => void;
  readonly #pump: Pump<Entity>;
  readonly #decay: Decay<Entity>;
  readonly #sweep: Sweep<Entity>;
  readonly #entities = new Map<string, Entity>();
  readonly #watchers = new Set<Watcher>();
  readonly #life: WatcherLife = {
    begin: (watcher) => {
      this.#watchers.add(watcher);
      this.#join(watcher).catch((error) => watcher.fail(error));
    },
    end: (watcher) => this.#leave(watcher),
  };
  /** Orders joins and reads. */
  #moment = 0;
  /** What was recorded here since watchers were last told of it, oldest first. */
  #answers: Answer[] = [];
  /** Why the newest read of what is watched failed; null if it did not. */
  #readProblem: Error | null = null;
  #closed = false;

  constructor({ engine, events, sweepMs = null, onReadFailure = () => {} }: HubOptions) {
    this.#engine = engine;
    this.#events = events;
    this.#onReadFailure = onReadFailure;
    this.#pump = new Pump(engine, {
      now: () => ++this.#moment,
      isDeaf: () => events.problem !== null,
      deliver: (batch, readAt) => this.#deliver(batch, readAt),
      failed: (batch, error, readAt) => this.#readFailed(batch, error, readAt, (watcher) => watcher.fail(error)),
      unreadable: (entity, error, readAt) =>
        this.#readFailed([entity], error, readAt, (watcher, place) => watcher.miss(entity.id, error, place)),
    });
    this.#decay = new Decay({
      storeNow: () => events.storeNow(),
      due: (batch) => {
        for (const entity of batch) this.#pump.mark(entity);
      },
    });
    this.#sweep = new Sweep({
      everyMs: sweepMs,
      watched: () => this.#entities.values(),
      check: (batch) => this.#check(batch),
    });
    events.listen({
      changed: (key, operation) => this.#changed(key, operation),
      missed: () => this.#missed(),
    });
    engine.onRecorded((vector, applied) => this.#answered(vector, applied));
  }

  /**
   * Updates of these entities: first all of them as they are, then whatever changes, each message with all that changed
   * since the last one: an event, or that time has passed. It begins at `begin()` or the first `next()`, which rejects if
   * Valkey is away or none of them can be read; later absences are ridden out. `return()` ends it at once.
   * @throws InvalidIdError, UnavailableError, LogFaultError (from `begin()` or the first `next()`)
   */
  watch(view: View, ids: Iterable<string>, options?: WatchOptions): Watch {
    return new Watcher(view, ids, this.#life, options);
  }

  /** Why changes cannot be heard or read now, as far as has been noticed; null while they can. */
  get problem(): string | null {
    const problem = this.#events.problem ?? this.#readProblem ?? this.#events.commandProblem;
    return problem && (unavailableReason(problem) ?? problem.message);
  }

  /** How many entities, and subscriptions to them, there are. */
  get load(): { readonly entities: number; readonly subscriptions: number } {
    return { entities: this.#entities.size, subscriptions: this.#watchers.size };
  }

  /** Ends every subscription; those that begin later end at once. */
  close(): void {
    this.#closed = true;
    this.#pump.stop();
    this.#decay.stop();
    this.#sweep.stop();
    for (const watcher of this.#watchers) watcher.end();
  }

  async #join(watcher: Watcher): Promise<void> {
    if (this.#closed || watcher.ids.length === 0) return watcher.end();
    const { view } = watcher;
    for (const id of watcher.ids) {
      const error = invalidIdError(view.entity, id);
      if (error) throw error;
    }
    const entities = watcher.ids.map((id) => this.#entity(view, id));
    const fresh = entities.filter(({ watchers }) => watchers.size === 0);
    for (const [place, { watchers }] of entities.entries()) watchers.add(watcher, place);
    if (fresh.length > 0) {
      const subscribing = this.#subscribe(fresh.map(({ key }) => key));
      for (const entity of fresh) entity.subscribed = subscribing;
    }
    await Promise.all(new Set(entities.map((entity) => entity.subscribed)));
    for (const entity of fresh) entity.subscribed = subscribed;
    if (watcher.ended) return;
    watcher.joinedAt = ++this.#moment;
    for (const entity of entities) this.#pump.mark(entity, { atOnce: true });
  }

  async #subscribe(keys: readonly string[]): Promise<void> {
    try {
      await this.#events.subscribe(keys);
    } catch (error) {
      throw new UnavailableError(unavailableReason(error) ?? 'changes cannot be heard', { cause: error });
    }
  }

  #entity(view: View, id: string): Entity {
    const key = this.#engine.keys.hash(view, id);
    const found = this.#entities.get(key);
    if (found) return found;
    const entity: Entity = {
      key,
      view,
      id,
      watchers: new Audience(),
      subscribed,
      lost: false,
      resync: false,
      last: null,
      lastRevision: 0,
      readAt: 0,
      heardAt: 0,
      answeredAt: 0,
      gapAt: 0,
    };
    this.#entities.set(key, entity);
    this.#sweep.start();
    return entity;
  }

  #leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    const deserted: string[] = [];
    for (const id of watcher.ids) {
      const key = this.#engine.keys.hash(watcher.view, id);
      const entity = this.#entities.get(key);
      if (!entity?.watchers.delete(watcher) || entity.watchers.size > 0) continue;
      this.#entities.delete(key);
      this.#pump.forget(entity);
      this.#decay.forget(entity);
      deserted.push(key);
    }
    if (this.#entities.size === 0) {
      this.#sweep.rest();
      this.#readProblem = null;
    }
    if (deserted.length > 0) this.#events.unsubscribe(deserted);
  }

  #changed(key: string, operation: string): void {
    const entity = this.#entities.get(key);
    if (!entity || indifferent.has(operation)) return;
    if (losses.has(operation)) entity.lost = true;
    entity.heardAt = ++this.#moment;
    this.#pump.mark(entity);
  }

  #missed(): void {
    for (const entity of this.#entities.values()) this.#resync(entity);
  }

  #resync(entity: Entity): void {
    entity.resync = true;
    entity.gapAt = ++this.#moment;
    this.#pump.mark(entity);
  }

  /** Reads what should be known already, and reads it again as `RESYNC` where it is not, though nothing was heard of it. */
  async #check(batch: readonly Entity[]): Promise<void> {
    const begun = ++this.#moment;
    const quiet = batch.filter(({ watchers, last, heardAt, readAt }) => watchers.size > 0 && last && heardAt < readAt);
    const suspects: { readonly entity: Entity; readonly found: Vector }[] = [];
    try {
      for (const [view, entities] of Map.groupBy(quiet, (entity) => entity.view)) {
        const ids = entities.map(({ id }) => id);
        const results = await this.#engine.readEach(view, ids);
        for (const [i, found] of results.entries()) {
          if (!(found instanceof Error)) suspects.push({ entity: entities[i] as Entity, found });
        }
      }
      await this.#events.settle();
    } catch {
      return; // what keeps it from being read is met by whoever reads next; a lost connection is a resync of its own
    }
    for (const { entity, found } of suspects) {
      const { watchers, heardAt, last, lastRevision } = entity;
      if (watchers.size === 0 || heardAt > begun || !last) continue;
      const isBehind = found.eventSeq > 0 && found.revision < lastRevision; // the store lost writes
      if (isBehind || isNewer(last, found)) this.#resync(entity);
    }
  }

  /** Whoever recorded it is answered first: there may be many watchers. */
  #answered(vector: Vector, applied: number): void {
    if (this.#entities.size === 0) return;
    const entity = this.#entities.get(this.#engine.keys.hash(vector.view, vector.id));
    if (!entity) return;
    if (this.#answers.push({ entity, vector, applied }) === 1) setImmediate(() => this.#takeAnswers());
  }

  /**
   * Brings watchers what was recorded here, without another read: where it is all that happened since what they have. Else
   * something else did, of which nothing was heard yet; if it is not heard of at all, they are to hear that there was a gap.
   */
  #takeAnswers(): void {
    const served = new Set<Watcher>();
    for (const { entity, vector, applied } of this.#answers.splice(0)) {
      const { watchers, last, lost, readAt, gapAt } = entity;
      if (watchers.size === 0 || !last || lost || readAt < gapAt || this.#events.problem) continue;
      if (vector.eventSeq !== last.eventSeq + applied || !isNewer(last, vector)) continue;
      const now = ++this.#moment;
      entity.answeredAt = now;
      this.#note(entity, vector);
      this.#offer(entity, { vector, resync: false }, { from: 0, to: now }, served);
    }
    for (const watcher of served) watcher.flush();
  }

  #deliver(
    batch: readonly { readonly watched: Entity; readonly resync: boolean; readonly vector: Vector }[],
    readAt: number,
  ): void {
    this.#readProblem = null;
    const served = new Set<Watcher>();
    for (const { watched, resync, vector } of batch) {
      const { answeredAt, last } = watched;
      const before = Math.max(watched.readAt, answeredAt);
      const isUnheard = !resync && this.#isUnheard(watched, vector);
      watched.readAt = readAt;
      // It was under way when what is newer was recorded here, which all have that had joined by then.
      if (last && readAt < answeredAt && vector.revision <= last.revision) continue;
      this.#note(watched, vector);
      if (isUnheard) this.#settle(watched);
      // Who has been given the earlier one is to hear why there is a newer one.
      this.#offer(watched, { vector, resync }, { from: isUnheard ? before : 0, to: readAt }, served);
    }
    for (const watcher of served) watcher.flush();
  }

  /** @param joined the moments, both included, between which a watcher joined who is given it. */
  #offer(
    { watchers }: Entity,
    { vector, resync }: { readonly vector: Vector; readonly resync: boolean },
    joined: { readonly from: number; readonly to: number },
    served: Set<Watcher>,
  ): void {
    for (const [watcher, place] of watchers) {
      if (watcher.joinedAt < joined.from || watcher.joinedAt > joined.to) continue;
      watcher.offer(vector, resync, place);
      served.add(watcher);
    }
  }

  /** Whether events came of which nothing was heard: another wanted it read, be it somebody new or that time has passed. */
  #isUnheard({ last, heardAt, readAt }: Entity, vector: Vector): boolean {
    return last !== null && heardAt < readAt && vector.eventSeq > 0 && vector.eventSeq !== last.eventSeq;
  }

  /** What was to be heard of it was on its way, and has had it read again by now; or it was lost, and that is a gap. */
  #settle(entity: Entity): void {
    const { readAt } = entity;
    const decide = () => {
      if (entity.watchers.size > 0 && entity.heardAt < readAt) this.#resync(entity);
    };
    this.#events.settle().then(decide, decide);
  }

  #note(entity: Entity, vector: Vector): void {
    if (entity.watchers.size === 0) return;
    entity.last = vector;
    // Where the store lost writes, a read may bring an older one before anybody knows.
    entity.lastRevision = vector.eventSeq > 0 ? Math.max(entity.lastRevision, vector.revision) : 0;
    if (this.#engine.clock === 'event') return; // whose time goes on with events alone
    const { validUntil } = vector;
    const now = this.#events.storeNow();
    if (validUntil === null || now === null || validUntil > now) {
      this.#decay.set(entity, validUntil);
      return;
    }
    // It was read too early: our idea of the store's clock is ahead of it.
    this.#events.askTime().then(
      () => {
        if (entity.last === vector && entity.watchers.size > 0) this.#decay.set(entity, validUntil);
      },
      () => {
        if (entity.last === vector && entity.watchers.size > 0) this.#pump.mark(entity);
      },
    );
  }

  /** Whoever waits for a first message is told; the others get theirs once a read succeeds. */
  #readFailed(
    batch: readonly Entity[],
    error: unknown,
    readAt: number,
    tell: (watcher: Watcher, place: number) => void,
  ): void {
    this.#onReadFailure(error);
    if (error instanceof UnavailableError) this.#readProblem = error;
    for (const entity of batch) {
      const waiting = [...entity.watchers].filter(([one]) => one.joining && Number.isFinite(one.joinedAt));
      for (const [watcher, place] of waiting) if (watcher.joinedAt < readAt) tell(watcher, place);
      // Who joined since gets a read of their own.
      if (waiting.some(([{ joinedAt }]) => joinedAt > readAt)) this.#pump.mark(entity, { atOnce: true });
    }
  }
}
