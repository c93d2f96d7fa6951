import type { CommandBuffer } from '../../valkey/index.ts';
import type { RecordedPart } from '../parts.ts';
import type { Plan } from '../plan.ts';
import { ReplyReader } from '../reply.ts';
import type { Found, LogAsRead } from './companions.ts';
import { EntityCopy, type Fact, type Lacking } from './entity-copy.ts';
import type { InPlace, InPlaceResult, OpenCall } from './in-place.ts';
import type { Rehearsal } from './rehearsal.ts';
import type { Result, Turn, Waiting } from './turns.ts';
import { commandsOf } from './writes.ts';

const nothing = Buffer.alloc(0);

/** What is recorded of one log: by one caller after the other. */
export class Job implements LogAsRead {
  readonly log: string;
  /** The served hash: it must be there, since only what changes in it is written. */
  readonly hash: string;
  readonly plan: Plan;
  readonly waiting: readonly Waiting[];
  /** How much of the log is read at first. */
  readonly headBytes: number;
  /** What was read so when it was read last; nothing before that, and where there is nothing to be read. */
  head: Buffer = nothing;
  /** What was read beyond that; and keys of which it was asked whether they are there, or how long. */
  found: Found[] = [];
  facts: Fact[] = [];
  /** Else it is for the store: of a log that is not there, cannot be read, is served nowhere, or has another writer. */
  isRehearsable = false;
  /** How often more was read. */
  reads = 0;
  /** What the first of those that wait would come to: the others are for the store. */
  rehearsed: RecordedPart[] = [];
  /** Which of the commands of the round are its own; null before these are known. */
  writes: { readonly from: number; readonly to: number } | null = null;
  /** What the first came to; what is left the store must do by itself. */
  results: readonly Result[] = [];
  lostCompanions = 0;

  constructor({ log, waiting }: Turn, hash: string, headBytes: number) {
    this.log = log;
    this.hash = hash;
    this.plan = (waiting[0] as Waiting).part.plan;
    this.waiting = waiting;
    this.headBytes = headBytes;
  }

  /** Begins anew with what was read of the log. */
  begin(head: Buffer, isRehearsable: boolean): void {
    this.head = head;
    this.isRehearsable = isRehearsable;
    this.found = [];
    this.facts = [];
    this.reads = 0;
    this.rehearsed = [];
    this.writes = null;
    this.lostCompanions = 0;
  }

  stretch(key: string, from: number, bytes: number): Buffer | undefined {
    const end = from + bytes;
    for (const { lacking, bytes: read } of this.found) {
      if (lacking.key !== key || end > lacking.from + read.length) continue;
      if (from >= lacking.from) return read.subarray(from - lacking.from, end - lacking.from);
      // Where tiles begin, the head may not have ended.
      if (key === this.log && lacking.from === this.head.length)
        return Buffer.concat([this.head.subarray(from), read.subarray(0, end - lacking.from)]);
    }
    return undefined;
  }

  /** Nobody knows what became of it. */
  fail(error: Error): void {
    this.results = this.waiting.map(() => error);
  }
}

/** How jobs are rehearsed at one moment. */
export interface Moment {
  readonly rehearsal: Rehearsal;
  readonly call: OpenCall;
  /** Of the store, in microseconds since 1970. */
  readonly micros: number;
  /** Where the commands go. */
  readonly writes: CommandBuffer;
  /** Told of an error that the engine does not throw itself: the store may do well. */
  readonly onFault: (log: string, error: unknown) => void;
}

/**
 * Rehearses a job, and writes its commands: in place as long as that is possible, and what is not, one after the other on a copy. From
 * the first on that is for the store to do, all that follow are.
 * @returns what more must be read before it is known; then nothing is written.
 */
export function rehearse(job: Job, moment: Moment): readonly Lacking[] {
  const { rehearsal, call, micros, writes } = moment;
  const { waiting, plan, log, hash } = job;
  const [from, length] = [writes.count, writes.length];
  const inPlace = rehearsal.inPlace(plan);
  job.rehearsed = [];
  job.lostCompanions = 0;
  let read: LogAsRead = job;
  let copy: EntityCopy | null = null;
  const begunCopy = () => {
    copy ??= copyOf(job);
    copy.begin(micros);
    return copy;
  };
  const beginAnew = (lacking: readonly Lacking[]) => {
    writes.cutBack(from, length);
    job.rehearsed = [];
    return lacking;
  };
  while (job.rehearsed.length < waiting.length) {
    const left = waiting.slice(job.rehearsed.length);
    const placed = inPlace ? recordInPlace(inPlace, read, left, job, moment, begunCopy) : null;
    if (placed === 'impossible') break;
    if (placed && placed.lacking.length > 0) return beginAnew(placed.lacking);
    const count = placed?.recorded.length ?? 0;
    if (inPlace && placed && count > 0) {
      inPlace.write(writes, log, hash, call);
      job.rehearsed.push(...placed.recorded);
      if (placed.isCompacted) job.lostCompanions += call.lost;
    }
    if (count === left.length) break;
    const beside = begunCopy();
    if (placed?.isCompacted) {
      read = asRead(job, beside);
      continue;
    }
    if (inPlace && count > 0) inPlace.tell(beside, log);
    const came = recordOn(beside, left[count] as Waiting, job, moment);
    if (came === 'impossible') break;
    if (came === 'lacking') return beginAnew(beside.lacking);
    job.rehearsed.push(came);
    for (const command of commandsOf(beside)) writes.add(command);
    if (job.rehearsed.length < waiting.length) read = asRead(job, beside);
  }
  job.writes = { from, to: writes.count };
  return [];
}

/** What goes wrong in place may go well on a copy; but for a compaction, since that has left traces in it. */
function recordInPlace(
  inPlace: InPlace,
  read: LogAsRead,
  left: readonly Waiting[],
  { log }: Job,
  { call, onFault }: Moment,
  begunCopy: () => EntityCopy,
): InPlaceResult | 'impossible' | null {
  let isCompacting = false;
  const copyAsRead = () => {
    isCompacting = true;
    return begunCopy();
  };
  try {
    return inPlace.record(read, left, call, copyAsRead);
  } catch (error) {
    if (error instanceof Error) onFault(log, error);
    return isCompacting ? 'impossible' : null;
  }
}

/** `impossible`: it is for the store to do, or to say what is wrong. */
function recordOn(
  copy: EntityCopy,
  { part }: Waiting,
  job: Job,
  moment: Moment,
): RecordedPart | 'lacking' | 'impossible' {
  let reply: string | null;
  try {
    reply = moment.rehearsal.record(copy, part.plan, part.rows);
  } catch (error) {
    if (error instanceof Error) moment.onFault(job.log, error);
    return 'impossible';
  }
  if (reply === null) return 'lacking';
  const reader = new ReplyReader(Buffer.from(reply, 'latin1'));
  const found = reader.entity(part.plan, part.id);
  if (found.kind !== 'vector') return 'impossible';
  const verdicts = Array.from({ length: part.rowCount }, () => reader.row());
  job.lostCompanions += reader.lostCompanions();
  return { vector: found.vector, verdicts };
}

/** A copy of what was read. */
function copyOf({ log, hash, head, headBytes, found, facts }: Job): EntityCopy {
  const copy = new EntityCopy(log);
  copy.tell(log, 0, headBytes, head);
  copy.tellExistence(hash, true);
  for (const { lacking, bytes } of found) copy.tell(lacking.key, lacking.from, lacking.bytes, bytes);
  for (const fact of facts) copy.tellFact(fact);
  return copy;
}

/** What a copy would be stored as. */
function asRead({ log, headBytes }: Job, copy: EntityCopy): LogAsRead {
  const stretch = (key: string, from: number, bytes: number) => {
    const read = copy.readBytes(key, from, bytes);
    return read?.length === bytes ? read : undefined;
  };
  return { log, head: copy.readBytes(log, 0, headBytes) ?? nothing, stretch };
}
