import type { Milliseconds, View } from '../define/index.ts';
import type { FunctionName, LibraryCaller } from './library-caller.ts';
import type { Plan } from './plan.ts';
import type { Clock } from './registry.ts';
import { ReplyReader } from './reply.ts';
import type { EpochMs } from './vector.ts';

/** What every call on logs is told beside what it is for. */
export interface CallSettings extends CallLimits {
  readonly clock: Clock;
  /** Whether an entity's keys may be on their way from one server to another; default false. */
  readonly isCluster?: boolean;
  /** Whether more is promised of what is acknowledged than that it is in memory; default false. */
  readonly isDurable?: boolean;
  readonly prefix: string;
  /** Of each view, when its newest feature was first loaded. */
  readonly completeSince: ReadonlyMap<View, EpochMs>;
}

/** How far calls go. */
export interface CallLimits {
  /** An event up to this far ahead of the store's clock is taken as now. */
  readonly toleranceMs: Milliseconds;
  /** For how long one call may work, in microseconds of the server's processor; it always does one entity. */
  readonly microsPerCall: number;
  /** How many singles compaction leaves. */
  readonly singles: number;
  /** Of how many different values a window keeps all, before it keeps a sample. */
  readonly values: number;
}

/** Calls the functions that work on logs. */
export class LogCaller {
  /** Companions of logs (such as last-seen times) that calls found missing: evicted, or deleted by hand. */
  lostCompanions = 0;
  readonly #library: LibraryCaller;
  /** The first argument of every call. */
  readonly head: Buffer;
  /** Whether a call must be of one entity, since others are of other slots. */
  readonly isOneEntityACall: boolean;

  constructor(library: LibraryCaller, plans: readonly Plan[], settings: CallSettings) {
    this.#library = library;
    this.head = callHead(plans, settings);
    this.isOneEntityACall = settings.isCluster ?? false;
  }

  /**
   * Calls a function.
   * @param read reads its reply from the front; what is left is the count of lost companions.
   * @throws UnavailableError
   */
  async call<Reply>(
    name: Exclude<FunctionName, 'enrol'>,
    keys: readonly string[],
    args: readonly Buffer[],
    read: (reader: ReplyReader) => Reply,
  ): Promise<Reply> {
    const reader = new ReplyReader(await this.#library.call(name, keys, [this.head, ...args]));
    const reply = read(reader);
    this.lostCompanions += reader.lostCompanions();
    return reply;
  }
}

/** ARGV[1] of every call, as lua/call.lua reads it. */
export function callHead(plans: readonly Plan[], settings: CallSettings): Buffer {
  const {
    clock,
    isCluster = false,
    isDurable = false,
    prefix,
    toleranceMs,
    microsPerCall,
    singles,
    values,
    completeSince,
  } = settings;
  const head = Buffer.alloc(37 + 8 * plans.length);
  head.writeUInt8((clock === 'event' ? 1 : 0) + (isCluster ? 2 : 0) + (isDurable ? 4 : 0), 0);
  head.writeUInt32LE(Buffer.byteLength(prefix), 1);
  head.writeDoubleLE(toleranceMs, 5);
  head.writeDoubleLE(microsPerCall, 13);
  head.writeDoubleLE(Math.max(1, singles), 21);
  head.writeDoubleLE(Math.max(1, values), 29);
  for (const { view, index } of plans) head.writeDoubleLE(completeSince.get(view) ?? 0, 29 + 8 * index);
  return head;
}
