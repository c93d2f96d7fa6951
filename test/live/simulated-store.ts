import type { Engine, Vector } from '../../src/engine/index.ts';
import type { RecordListener } from '../../src/engine/recorder.ts';
import type { HubOptions } from '../../src/live/index.ts';
import type { KeyspaceListener } from '../../src/valkey/index.ts';
import { vectorOf } from './vectors.ts';

/** A read that was sent. */
interface Read {
  /** The revision that is to come before what it finds. */
  readonly above: number;
  /** Null until it was served. */
  vector: Vector | null;
  readonly reply: (vectors: Vector[]) => void;
}

/** A command on the subscriber's connection, the answer to which comes behind what was sent before. */
interface Ping {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What a hub asks of an engine. */
type Asked = Pick<Engine, 'clock' | 'onRecorded' | 'readEach'> & { readonly keys: Pick<Engine['keys'], 'hash'> };

/**
 * A store of one entity, and the connections of a process that watches it. Whatever is on its way there moves when it is
 * told to. Of a vector, `asOf` counts what was done to the entity before.
 */
export class SimulatedStore {
  readonly id = 'anna';
  /** Notifications are lost and nobody knows. */
  isSilent = false;
  /** What is stored, if `eventSeq` is not 0. */
  stored: Vector = vectorOf(this.id);
  readonly engine: Engine;
  readonly events: HubOptions['events'];
  #isCut = false;
  #micros = 0;
  #done = 0;
  /** What others recorded that is in no notification, by `asOf`, but for what changed no value. */
  readonly #unheard: number[] = [];
  readonly #forgotten: number[] = [];
  #listener!: KeyspaceListener;
  #recorded!: RecordListener;
  readonly #reads: Read[] = [];
  readonly #answers: { readonly vector: Vector; readonly applied: number }[] = [];
  /** By the subscriber's connection, oldest first. */
  readonly #sent: (string | Ping)[] = [];

  constructor() {
    const engine: Asked = {
      clock: 'event',
      keys: { hash: (_view, id) => id },
      readEach: (_view, _ids, { lastRevisions } = {}) =>
        new Promise((reply) => this.#reads.push({ above: lastRevisions?.[0] ?? 0, vector: null, reply })),
      onRecorded: (listener) => {
        this.#recorded = listener;
      },
    };
    this.engine = engine as Engine;
    const problem = () => (this.#isCut ? new Error('Connection is closed.') : null);
    this.events = {
      get problem() {
        return problem();
      },
      commandProblem: null,
      listen: (listener) => {
        this.#listener = listener;
      },
      subscribe: async () => {},
      unsubscribe: () => {},
      settle: () =>
        new Promise((resolve, reject) => {
          if (this.#isCut) reject(problem());
          else this.#sent.push({ resolve, reject });
        }),
      storeNow: () => null,
      askTime: async () => {},
    };
  }

  get isIdle(): boolean {
    return this.#reads.length + this.#answers.length + this.#sent.length === 0;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Whether one vector holds what the other does not, and no notification told of. */
  hides(earlier: Vector, later: Vector): boolean {
    const begun = this.#forgotten.findLast((asOf) => asOf <= later.asOf) ?? 0;
    return this.#unheard.some((asOf) => asOf > Math.max(begun, earlier.asOf) && asOf <= later.asOf);
  }

  /** Records so many events. Those that change no value leave the revision as it is, where there is one. */
  record(by: 'us' | 'others', applied: number, { changes }: { readonly changes: boolean }): void {
    const { revision, eventSeq } = this.stored;
    const isNew = changes || eventSeq === 0;
    const asOf = ++this.#done;
    this.stored = vectorOf(this.id, {
      revision: isNew ? this.#newRevision(eventSeq > 0 ? revision : 0) : revision,
      eventSeq: eventSeq + applied,
      lastEventAt: asOf,
      asOf,
    });
    const isSent = this.#send('hset');
    if (by === 'us') this.#answers.push({ vector: this.stored, applied });
    else if (isNew && !isSent) this.#unheard.push(asOf);
  }

  forget(): void {
    this.#forgotten.push(++this.#done);
    this.stored = vectorOf(this.id, { asOf: this.#done });
    this.#send('del');
  }

  /** Loses what was done since that was stored. */
  lose(kept: Vector): void {
    this.stored = { ...kept, asOf: ++this.#done };
  }

  /** Lets the oldest that the subscriber's connection was sent arrive. */
  hear(): void {
    const first = this.#sent.shift();
    if (typeof first === 'string') this.#listener.changed(this.id, first);
    else first?.resolve();
  }

  /** Does the oldest read that was not done yet. */
  serve(): void {
    const read = this.#reads.find(({ vector }) => vector === null);
    if (!read) return;
    const { eventSeq, revision } = this.stored;
    if (eventSeq > 0 && revision < read.above) {
      this.stored = { ...this.stored, revision: this.#newRevision(read.above) };
    }
    read.vector = eventSeq > 0 ? this.stored : { ...this.stored, revision: this.#newRevision(0) };
  }

  /** Answers the oldest read, if it was done. */
  reply(): void {
    const [first] = this.#reads;
    if (!first?.vector) return;
    this.#reads.shift();
    first.reply([first.vector]);
  }

  /** Tells of one of our calls that it is over: of long ones it is told later than of others. */
  tell(which: number): void {
    if (this.#answers.length === 0) return;
    const [answer] = this.#answers.splice(which % this.#answers.length, 1);
    if (answer) this.#recorded(answer.vector, answer.applied);
  }

  /** The subscriber's connection is lost, with what was on its way. */
  cut(): void {
    this.#isCut = true;
    for (const one of this.#sent.splice(0)) if (typeof one !== 'string') one.reject(new Error('Connection is closed.'));
  }

  /** There is a new one. */
  reconnect(): void {
    if (!this.#isCut) return;
    this.#isCut = this.isSilent = false;
    this.#listener.missed();
  }

  #newRevision(above: number): number {
    this.#micros = Math.max(this.#micros + 1, above + 1);
    return this.#micros;
  }

  #send(operation: string): boolean {
    if (this.#isCut || this.isSilent) return false;
    this.#sent.push(operation);
    return true;
  }
}
