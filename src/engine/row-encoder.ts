import { compileWhere } from '../define/index.ts';
import { writeHash64 } from './hash64.ts';
import type { EventInput, FieldValue } from './outcome.ts';
import type { Plan } from './plan.ts';

const fixedBytes = 20; // d time, c8 id, I4 flags

/** Writes what a view measures of an event as a row of a record call (see `parse_row` in lua/record.lua). */
export class RowEncoder {
  readonly rowBytes: number;
  readonly #plan: Plan;
  readonly #flags: readonly ((event: EventInput) => boolean)[];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.rowBytes = fixedBytes + 8 * (plan.columns.length + plan.distinctFields.length);
    this.#flags = plan.flags.map((flag) =>
      flag.test === 'where'
        ? compileWhere(flag.where)
        : flag.test === 'true'
          ? (event) => event[flag.field] === true
          : (event) => typeof event[flag.field] === 'boolean',
    );
  }

  /** The event's id and fields have been admitted (see admission.ts). The target is zero where this writes. */
  write(event: EventInput, target: Buffer, offset: number): void {
    const { columns, distinctFields, view } = this.#plan;
    const { id, time } = view.event;
    target.writeDoubleLE(asDouble(event[time]), offset);
    writeHash64(event[id] as string, target, offset + 8);
    let flags = 0;
    for (let i = 0; i < this.#flags.length; i++) if (this.#flags[i]?.(event)) flags |= 1 << i;
    target.writeUInt32LE(flags, offset + 16);
    let at = offset + fixedBytes;
    for (const column of columns) at = target.writeDoubleLE(asDouble(event[column]), at);
    for (const field of distinctFields) {
      const value = event[field];
      if (typeof value === 'string') writeHash64(value, target, at);
      at += 8;
    }
  }
}

/** Null is NaN; there is one zero, so that no order decides which is the greater; a time is cut to whole milliseconds by whoever parsed it. */
function asDouble(value: FieldValue): number {
  return value === null || value === undefined ? Number.NaN : Number(value) + 0;
}
