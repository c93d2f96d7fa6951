import type { Plan } from './plan.ts';
import type { Certainty, EpochMs, PastVector, Vector } from './vector.ts';
import { readVector, type VectorBatch, vectorStride } from './vector-batch.ts';

/** What the library found of one entity. */
export type EntityReply =
  | { readonly kind: 'vector'; readonly vector: Vector }
  /** Its log must be folded, and the call had folded enough: ask again. */
  | { readonly kind: 'left' }
  /** On a cluster: its keys are on their way to another server. */
  | { readonly kind: 'moving' }
  /** Its log has another layout and must be brought up to date first. */
  | { readonly kind: 'layout'; readonly layoutHash: string }
  /** It alone could not be served, for this reason of Valkey's. */
  | { readonly kind: 'fault'; readonly reason: string };

/** The same, where moments of the past were asked for. */
export type PastReply = { readonly kind: 'past'; readonly vectors: PastVector[] } | NotServed;

/** What the library found of one entity when it did not do what was asked for. */
export type NotServed = Exclude<EntityReply, { kind: 'vector' }>;

/** What the library did with one row. */
export interface RowVerdict {
  readonly status: 'RECORDED' | 'DUPLICATE' | 'TOO_LATE' | 'REJECTED' | 'FORGOTTEN';
  readonly timeDiffers: boolean;
  readonly wasRetracted: boolean;
  readonly columnsThatDiffer: number;
  readonly flagsThatDiffer: number;
  readonly time: EpochMs;
}

/** What the library did with a correction of one event. */
export interface CorrectionVerdict {
  readonly status: (typeof correctionStatuses)[number];
  /** Why not. */
  readonly why: (typeof obstacles)[number];
  readonly columnsThatDiffer: number;
  readonly distinctFieldsThatDiffer: number;
  readonly timeDiffers: boolean;
  /** The event's own time, as recorded where that is known. */
  readonly time: EpochMs;
}

/** What became of an entity that one version of a view was to take over from another. */
export type FillOutcome = (typeof fillOutcomes)[number];

/** In the order of lua/fill.lua. */
const fillOutcomes = ['FILLED', 'NOTHING_THERE', 'WAS_FILLED', 'UNDER_WAY'] as const;

const correctionStatuses = ['DONE', 'AGAIN', 'NOT_FOUND', 'MISMATCH', 'TOO_OLD'] as const;
/** In the order of lua/correct.lua. */
const obstacles = [
  'NONE',
  'PAST_WINDOWS',
  'AMONG_OTHERS',
  'NO_SIGHTING',
  'RUNNING',
  'NOT_KEPT',
  'WAS_RETRACTED',
  'UNKNOWABLE',
] as const;
const methods = ['EXACT', 'INTERPOLATED', 'SAMPLED', 'UNREACHABLE'] as const;
const statuses = ['RECORDED', 'DUPLICATE', 'TOO_LATE', 'REJECTED', 'FORGOTTEN'] as const;
/** The first byte of an entity's reply. */
const mark = { done: 0x56, left: 0x53, moving: 0x4d, layout: 0x4c } as const; // 'V', 'S', 'M', 'L'; the fifth is 'E'

/** Reads a packed reply of the function library from front to back; the functions in lua/ say what stands in it. */
export class ReplyReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** What `record`, `preview`, `read`, `label` and `retract` say of an entity first. */
  entity(plan: Plan, id: string): EntityReply {
    return this.outcome() ?? this.#vector(plan, id);
  }

  /** Null when what was asked for was done. */
  outcome(): NotServed | null {
    const bytes = this.#bytes;
    const at = this.#at + 1;
    switch (bytes[this.#at]) {
      case mark.done:
        this.#at = at;
        return null;
      case mark.left:
        this.#at = at;
        return { kind: 'left' };
      case mark.moving:
        this.#at = at;
        return { kind: 'moving' };
      case mark.layout:
        this.#at = at + 8;
        return { kind: 'layout', layoutHash: bytes.toString('latin1', at, at + 8) };
      default:
        this.#at = at + 2 + bytes.readUInt16LE(at);
        return { kind: 'fault', reason: bytes.toString('utf8', at + 2, this.#at) };
    }
  }

  /** What `fill` says of an entity. */
  filling(): { readonly kind: 'filling'; readonly outcome: FillOutcome } | NotServed {
    const notServed = this.outcome();
    if (notServed) return notServed;
    const outcome = fillOutcomes[this.#bytes[this.#at] ?? 0] as FillOutcome;
    this.#at += 1;
    return { kind: 'filling', outcome };
  }

  #vector({ view }: Plan, id: string): EntityReply {
    const doubles = new Float64Array(vectorStride(view));
    this.#copyInto(new Uint8Array(doubles.buffer), 0, doubles.byteLength);
    return { kind: 'vector', vector: readVector(view, id, doubles, 0) };
  }

  /**
   * The same, with its vector written where it stands in a batch.
   * @returns null when it was.
   */
  vectorInto({ bytes, vectorBytes }: VectorBatch, place: number): NotServed | null {
    const outcome = this.outcome();
    if (!outcome) this.#copyInto(bytes, place * vectorBytes, vectorBytes);
    return outcome;
  }

  #copyInto(target: Uint8Array, at: number, count: number): void {
    this.#bytes.copy(target, at, this.#at, this.#at + count);
    this.#at += count;
  }

  /** Vectors of past moments, in the order asked. */
  past(plan: Plan, id: string, moments: readonly EpochMs[]): PastReply {
    const outcome = this.outcome();
    if (outcome) return outcome;
    const [revision, eventSeq, completeSince, now] = [this.#double(), this.#double(), this.#double(), this.#double()];
    const vectors = moments.map((asOf): PastVector => {
      const lastEventAt = finite(this.#double());
      const values = new Float64Array(plan.vectorDoubles);
      const certainties: Certainty[] = [];
      for (let i = 0; i < plan.features.length; i++) {
        values[i] = this.#double();
        const [lower, upper] = [this.#double(), this.#double()];
        certainties.push({ lower, upper, method: methods[this.#byte()] as Certainty['method'] });
      }
      for (let i = plan.features.length; i < values.length; i++) values[i] = this.#double();
      return { view: plan.view, id, values, revision, eventSeq, asOf, now, lastEventAt, completeSince, certainties };
    });
    return { kind: 'past', vectors };
  }

  #double(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  #byte(): number {
    this.#at += 1;
    return this.#bytes.readUInt8(this.#at - 1);
  }

  /** What `record` and `preview` say behind the vector of each row. */
  row(): RowVerdict {
    const at = this.#at;
    const bytes = this.#bytes;
    this.#at = at + 18;
    return {
      status: statuses[bytes.readUInt8(at)] as RowVerdict['status'],
      timeDiffers: bytes.readUInt8(at + 1) === 1,
      wasRetracted: bytes.readUInt8(at + 1) === 2,
      columnsThatDiffer: bytes.readUInt32LE(at + 2),
      flagsThatDiffer: bytes.readUInt32LE(at + 6),
      time: bytes.readDoubleLE(at + 10),
    };
  }

  /** What `label` and `retract` say behind the vector. */
  correction(): CorrectionVerdict {
    return {
      status: correctionStatuses[this.#byte()] as CorrectionVerdict['status'],
      why: obstacles[this.#byte()] as CorrectionVerdict['why'],
      columnsThatDiffer: this.#word(),
      distinctFieldsThatDiffer: this.#word(),
      timeDiffers: this.#byte() === 1,
      time: this.#double(),
    };
  }

  /** What `forget` removed: how many keys, and how many bytes they took. */
  receipt(): { readonly keys: number; readonly bytes: number } {
    return { keys: this.#word(), bytes: this.#double() };
  }

  /** A text with its length before it. */
  text(): string {
    const bytes = this.#word();
    this.#at += bytes;
    return this.#bytes.toString('utf8', this.#at - bytes, this.#at);
  }

  #word(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  /** How many companions of a log (such as its last-seen times) the call found missing; stands at the end. */
  lostCompanions(): number {
    return this.#bytes.readUInt32LE(this.#at);
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
