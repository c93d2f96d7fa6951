import type { View } from '../define/index.ts';
import { type Engine, invalidIdError, UnavailableError, type Vector } from '../engine/index.ts';
import { type KeyspaceNews, unavailableReason } from '../valkey/index.ts';
import { Decay } from './decay.ts';
import { flushAll } from './flush-all.ts';
import { LiveCounts } from './live-counts.ts';
import { Pump } from './pump.ts';
import { Sweep } from './sweep.ts';
import { WatchedEntity } from './watched-entity.ts';
import { type Watch, Watcher, type WatcherLife, type WatchOptions } from './watcher.ts';

export interface HubOptions {
  readonly engine: Engine;
  readonly events: Omit<KeyspaceNews, 'close'>;
  /** How often all that is watched is read though nothing was heard of it; null, the default: never. */
  readonly sweepMs?: number | null;
  /** Told of every read that failed and is tried again. */
  readonly onReadFailure?: (error: unknown) => void;
}

/** What this process was answered when it recorded. */
interface Answer {
  readonly entity: WatchedEntity;
  readonly vector: Vector;
  /** How many events that call newly recorded. */
  readonly applied: number;
}

/** The served hash is no longer under its key. */
const losses: ReadonlySet<string> = new Set(['del', 'expired', 'evicted', 'rename_from', 'move_from']);
/** Of the key, not of what it holds. */
const indifferent: ReadonlySet<string> = new Set(['expire', 'persist']);

/**
 * Knows who watches what, and brings each what is new. It subscribes first and reads then, so nothing falls between; takes
 * a notification as a hint to read; and serves all watchers of an entity by one read.
 */
export class Hub {
  readonly counts = new LiveCounts();
  readonly #engine: Engine;
  readonly #events: HubOptions['events'];
  readonly #onReadFailure: (error: unknown) => void;
  readonly #pump: Pump<WatchedEntity>;
  readonly #decay: Decay<WatchedEntity>;
  readonly #sweep: Sweep<WatchedEntity>;
  readonly #entities = new Map<string, WatchedEntity>();
  readonly #watchers = new Set<Watcher>();
  readonly #life: WatcherLife = {
    begin: (watcher) => {
      this.#watchers.add(watcher);
      this.#join(watcher).catch((error) => watcher.fail(error));
    },
    end: (watcher) => this.#leave(watcher),
    counts: this.counts,
  };
  /** Orders joins, reads, answers, notifications and gaps. */
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
      missed: (keys) => this.#missed(keys),
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

  /** What the store's clock says, in milliseconds since 1970; null while that is not known. */
  storeNow(): number | null {
    return this.#events.storeNow();
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
    for (const entity of fresh) entity.subscribed = null;
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

  #entity(view: View, id: string): WatchedEntity {
    const key = this.#engine.keys.hash(view, id);
    const found = this.#entities.get(key);
    if (found) return found;
    const entity = new WatchedEntity(key, view, id);
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
    entity.hear(++this.#moment, { isLoss: losses.has(operation) });
    this.#pump.mark(entity);
  }

  #missed(keys: Iterable<string> = this.#entities.keys()): void {
    for (const key of keys) {
      const entity = this.#entities.get(key);
      if (!entity) continue;
      this.counts.resyncs.reconnected += 1;
      this.#readAfterGap(entity);
    }
  }

  #resync(entity: WatchedEntity): void {
    this.counts.resyncs.unheard += 1;
    this.#readAfterGap(entity);
  }

  #readAfterGap(entity: WatchedEntity): void {
    entity.openGap(++this.#moment);
    this.#pump.mark(entity);
  }

  /** Reads what should be known already, and reads it again as `RESYNC` where it is not, though nothing was heard of it. */
  async #check(batch: readonly WatchedEntity[]): Promise<void> {
    const begun = ++this.#moment;
    const quiet = batch.filter(({ watchers, isQuiet }) => watchers.size > 0 && isQuiet);
    const finds: { readonly entity: WatchedEntity; readonly lastRevision: number; readonly found: Vector }[] = [];
    try {
      for (const [view, entities] of Map.groupBy(quiet, (entity) => entity.view)) {
        const before = entities.map((entity) => ({ entity, lastRevision: entity.lastRevision }));
        const ids = entities.map(({ id }) => id);
        const results = await this.#engine.readEach(view, ids);
        for (const [i, one] of before.entries()) {
          const found = results[i] as Vector | Error;
          if (!(found instanceof Error)) finds.push({ ...one, found });
        }
      }
      await this.#events.settle();
    } catch {
      return; // what keeps it from being read is met by whoever reads next; a lost connection is a resync of its own
    }
    for (const { entity, lastRevision, found } of finds) {
      if (entity.watchers.size > 0 && entity.isRefutedBy(found, begun, lastRevision)) this.#resync(entity);
    }
  }

  /** Whoever recorded it is answered first: there may be many watchers. */
  #answered(vector: Vector, applied: number): void {
    if (this.#entities.size === 0) return;
    const entity = this.#entities.get(this.#engine.keys.hash(vector.view, vector.id));
    if (!entity) return;
    if (this.#answers.push({ entity, vector, applied }) === 1) setImmediate(() => this.#takeAnswers());
  }

  /** Brings watchers what was recorded here before it is heard of, where nothing else happened since what they have. */
  #takeAnswers(): void {
    const served = new Set<Watcher>();
    for (const { entity, vector, applied } of this.#answers.splice(0)) {
      const now = ++this.#moment;
      if (entity.watchers.size === 0 || this.#events.problem) continue;
      const isNext = entity.takeAnswer(vector, applied, now);
      if (entity.isUnsettled(now)) this.#settle(entity, now);
      if (!isNext) continue;
      this.#awaitDecay(entity, vector);
      this.#offer(entity, { vector, resync: false }, { from: 0, to: now }, served);
    }
    flushAll(served);
  }

  #deliver(
    batch: readonly { readonly watched: WatchedEntity; readonly resync: boolean; readonly vector: Vector }[],
    readAt: number,
  ): void {
    this.#readProblem = null;
    const isDeaf = this.#events.problem !== null; // it may have begun before that was noticed
    const served = new Set<Watcher>();
    for (const { watched, resync, vector } of batch) {
      const { last } = watched;
      const finding = watched.watchers.size > 0 && watched.takeRead(vector, readAt, resync || isDeaf);
      if (!finding) continue;
      if (last && !finding.resync) this.counts.noteDecay(last, vector, this.#events.storeNow());
      this.#awaitDecay(watched, vector);
      if (watched.isUnsettled(readAt)) this.#settle(watched, readAt);
      this.#offer(watched, { vector, resync: finding.resync }, { from: finding.joinedFrom, to: readAt }, served);
    }
    flushAll(served);
  }

  /** @param joined the moments, both included, between which a watcher joined who is given it. */
  #offer(
    { watchers }: WatchedEntity,
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

  /** What was to be heard of it was on its way, and has had it read again by now; or it was lost, and that is a gap. */
  #settle(entity: WatchedEntity, readAt: number): void {
    const decide = () => {
      if (entity.watchers.size > 0 && entity.isUnsettled(readAt)) this.#resync(entity);
    };
    this.#events.settle().then(decide, decide);
  }

  /** Has an entity read when its newest vector no longer holds. */
  #awaitDecay(entity: WatchedEntity, vector: Vector): void {
    if (this.#engine.clock === 'event') return; // whose time goes on with events alone
    const { validUntil } = vector;
    const now = this.#events.storeNow(entity.key);
    if (validUntil === null || now === null || validUntil > now) {
      this.#wait(entity, validUntil);
      return;
    }
    // It came late, or our idea of the store's clock is ahead of it.
    const isNewest = () => entity.last === vector && entity.watchers.size > 0;
    this.#events.askTime().then(
      () => {
        if (isNewest()) this.#wait(entity, validUntil);
      },
      () => {
        if (isNewest()) this.#pump.mark(entity);
      },
    );
  }

  /** @param validUntil by the clock of the entity's server, which is not the one that decay goes by where there are several. */
  #wait(entity: WatchedEntity, validUntil: number | null): void {
    const [own, all] = [this.#events.storeNow(entity.key), this.#events.storeNow()];
    const aheadMs = own === null || all === null ? 0 : Math.round(all - own);
    this.#decay.set(entity, validUntil === null ? null : validUntil + aheadMs);
  }

  /** Whoever waits for a first message is told; the others get theirs once a read succeeds. */
  #readFailed(
    batch: readonly WatchedEntity[],
    error: unknown,
    readAt: number,
    tell: (watcher: Watcher, place: number) => void,
  ): void {
    this.counts.readFailures += 1;
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
