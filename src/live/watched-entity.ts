import type { View } from '../define/index.ts';
import type { Vector } from '../engine/index.ts';
import { Audience } from './audience.ts';
import type { Watched } from './pump.ts';
import { isNewer, type Watcher } from './watcher.ts';

/** What a read is to those who watch. */
export interface Finding {
  /** Whether changes may have gone unheard before it. */
  readonly resync: boolean;
  /** It is for those that joined at this moment or later; 0: for all. */
  readonly joinedFrom: number;
}

/**
 * One view of one entity that is watched: who watches it, the newest vector that is known, and whether what comes next
 * is all that happened since. Whoever has a vector is to be told if something happened of which nothing was heard, which
 * is a gap; so nothing newer may reach them before it is settled whether there is one.
 *
 * Moments are counted by the hub; 0: there was none. There is one of these for each that is watched, so each keeps a few
 * numbers, and nothing that grows.
 */
export class WatchedEntity implements Watched {
  readonly key: string;
  readonly view: View;
  readonly id: string;
  readonly watchers = new Audience<Watcher>();
  /** Settles when the key's subscription is acknowledged; null once it was. */
  subscribed: Promise<void> | null = null;
  lost = false;
  resync = false;
  lastRevision = 0;
  #last: Vector | null = null;
  /** When it was last heard that there is something new. */
  #heardAt = 0;
  /** When the newest read that was delivered began. */
  #readAt = 0;
  /** When an answer last was the newest vector. */
  #answeredAt = 0;
  /** When a gap was last found. */
  #gapAt = 0;
  /** When something was found of which nothing had been heard, while it is not settled whether that is a gap. */
  #unheardAt = 0;
  /** When the count of events last became doubtful: what it is, only a read tells that began later. */
  #doubtfulAt = 0;

  constructor(key: string, view: View, id: string) {
    this.key = key;
    this.view = view;
    this.id = id;
  }

  /** The newest that is known; null before the first read. */
  get last(): Vector | null {
    return this.#last;
  }

  /** Whether nothing was heard of it since it was read. */
  get isQuiet(): boolean {
    return this.#last !== null && this.#heardAt < this.#readAt;
  }

  /** Takes it that there is something new, which is to be read. */
  hear(now: number, { isLoss }: { readonly isLoss: boolean }): void {
    this.#heardAt = now;
    this.#unheardAt = 0;
    if (!isLoss) return;
    this.lost = true;
    this.#doubtfulAt = now;
  }

  /** Takes it that changes may have gone unheard until now: it is to be read again. */
  openGap(now: number): void {
    this.resync = true;
    this.#gapAt = this.#doubtfulAt = now;
    this.#unheardAt = 0;
  }

  /**
   * Whether what was found then, by an answer of that moment or a read that began at it, was the first of which nothing
   * had been heard, and that is not settled.
   */
  isUnsettled(foundAt: number): boolean {
    return this.#unheardAt === foundAt;
  }

  /**
   * Takes the answer to what was recorded here.
   * @param applied how many events the call newly recorded.
   * @returns whether that is all that happened since `last`: then it is for all who have joined. Else it is read.
   */
  takeAnswer(vector: Vector, applied: number, now: number): boolean {
    const last = this.#last;
    if (!last || !mayFollow(last, vector)) return false;
    const fits = vector.eventSeq === last.eventSeq + applied;
    if (!fits && vector.revision > last.revision) {
      // Where the store lost events, later answers may come to the right count again.
      this.#doubtfulAt = now;
      if (this.isQuiet && this.#unheardAt === 0) this.#unheardAt = now;
    }
    if (!fits || this.#readAt < this.#doubtfulAt || this.#unheardAt > 0) return false;
    this.#answeredAt = now;
    this.#note(vector);
    return true;
  }

  /**
   * Takes what was read.
   * @param readAt when the read began.
   * @param resync whether changes may have gone unheard, as far as was known when it began, or is now.
   * @returns null if all who had joined by then have it, or what is newer.
   */
  takeRead(vector: Vector, readAt: number, resync: boolean): Finding | null {
    const last = this.#last;
    const lastAt = Math.max(this.#readAt, this.#answeredAt);
    const isInGap = resync || readAt < this.#gapAt;
    const isUnheard = !isInGap && (this.#unheardAt > 0 || this.#isNewlyUnheard(vector));
    this.#readAt = readAt;
    // It was under way when what is newer was answered, which all were given that had joined by then.
    if (last && readAt < this.#answeredAt && vector.revision <= last.revision) return null;
    this.#note(vector);
    if (!isUnheard) return { resync: isInGap, joinedFrom: 0 };
    if (this.#unheardAt === 0) this.#unheardAt = readAt;
    return { resync: false, joinedFrom: lastAt };
  }

  /**
   * Whether changes went unheard, as is found by a sweep that has read it while it was quiet, and then waited for what
   * was on its way. What came since by another read, or as an answer, was judged as it came.
   * @param begun when the sweep began, before it read.
   * @param lastRevision of then.
   */
  isRefutedBy(found: Vector, begun: number, lastRevision: number): boolean {
    if (!this.#last || Math.max(this.#heardAt, this.#readAt, this.#answeredAt) > begun) return false;
    const isBehind = found.eventSeq > 0 && found.revision < lastRevision; // the store lost writes
    return isBehind || isNewer(this.#last, found);
  }

  /** Whether a read brings events of which nothing was heard: it was for somebody new, or because time has passed. */
  #isNewlyUnheard(vector: Vector): boolean {
    return this.isQuiet && vector.eventSeq > 0 && vector.eventSeq !== this.#last?.eventSeq;
  }

  #note(vector: Vector): void {
    this.#last = vector;
    // Where the store lost writes, a read may bring an older one before anybody knows.
    this.lastRevision = vector.eventSeq > 0 ? Math.max(this.lastRevision, vector.revision) : 0;
  }
}

/**
 * Whether an answer may tell of a later state. When that of a long call comes, what was recorded may have been read, or
 * forgotten. Events that change no value leave the revision as it is; where nothing is stored, it is the time.
 */
function mayFollow(last: Vector, answer: Vector): boolean {
  return last.eventSeq > 0 ? answer.revision >= last.revision : answer.revision > last.revision;
}
