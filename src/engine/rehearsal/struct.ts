/** Lua's struct, as far as the engine uses it: little-endian, without gaps. Texts are bytes, a character each. */
export interface Format {
  readonly bytes: number;
  /** The values from a place on, counted from 0, and where the next would stand, counted from 1. */
  readonly unpack: (text: string, at: number) => (number | string)[];
  readonly pack: (values: readonly (number | string)[]) => string;
  /** As `unpack`, but the values stand from place 1 on: a table. One of numbers alone has one at place 0 too, so that none is boxed. */
  readonly unpackTable: (text: string, at: number) => unknown[];
  /** As `pack`, of the values of a table from one place to another. */
  readonly packTable: (table: readonly unknown[], from: number, to: number) => string;
}

const scratch = Buffer.alloc(1 << 16);
const scratchDoubles = new Float64Array(scratch.buffer, scratch.byteOffset, scratch.length / 8);

interface Item {
  readonly kind: string;
  readonly size: number;
  readonly at: number;
}

const formats = new Map<string, Format>();

/** Formats are few, and each is used often. */
export function formatOf(format: string): Format {
  const known = formats.get(format);
  if (known) return known;
  const made = makeFormat(format);
  formats.set(format, made);
  return made;
}

function makeFormat(format: string): Format {
  const items: Item[] = [];
  let bytes = 0;
  for (const [, kind = '', digits = ''] of format.matchAll(/([a-zA-Z])(\d*)/g)) {
    const size = kind === 'd' ? 8 : kind === 'B' ? 1 : Number(digits || 4);
    items.push({ kind, size, at: bytes });
    bytes += size;
  }
  if (bytes > scratch.length) throw new Error(`${bytes} bytes are more than is packed at once`);
  const isDoubles = items.every(({ kind }) => kind === 'd');
  const pack = isDoubles ? packerOfDoubles(bytes) : packerOf(items, bytes);
  return {
    bytes,
    unpack: unpackerOf(items, bytes, false),
    pack: (values) => pack(values, 0),
    unpackTable: unpackerOf(items, bytes, true),
    packTable: (table, from, to) => {
      if (to - from + 1 !== items.length) throw new Error('bad argument: as many values as the format has are packed');
      return pack(table as readonly (number | string)[], from);
    },
  };
}

type Packer = (values: readonly (number | string)[], from: number) => string;

/** Written out, since one is run for each cell that is looked at. */
function unpackerOf(items: readonly Item[], bytes: number, isTable: boolean): Format['unpack'] {
  const reads = items.map(({ kind, size, at }) => {
    if (kind === 'd') return at % 8 === 0 ? `doubles[${at / 8}]` : `bytes.readDoubleLE(${at})`;
    if (kind === 'c') return `text.substring(at + ${at}, at + ${at + size})`;
    if (kind === 'B') return `bytes[${at}]`;
    if (size > 6) return `long(bytes, ${at}, ${size}, ${kind === 'i'})`;
    return `bytes.read${kind === 'I' ? 'U' : ''}IntLE(${at}, ${size})`;
  });
  const first = isTable ? [items.some(({ kind }) => kind === 'c') ? 'undefined' : 'NaN'] : [];
  const body = `return (text, at) => {
    if (at + ${bytes} > text.length) throw new Error('data string too short');
    bytes.latin1Write(text.substring(at, at + ${bytes}), 0);
    return [${[...first, ...reads, `at + ${bytes + 1}`].join(', ')}];
  }`;
  return new Function('bytes', 'doubles', 'long', body)(scratch, scratchDoubles, readLong);
}

function packerOfDoubles(bytes: number): Packer {
  return (values, from) => {
    for (let i = 0; i < bytes / 8; i++) scratchDoubles[i] = values[from + i] as number;
    return scratch.toString('latin1', 0, bytes);
  };
}

function packerOf(items: readonly Item[], bytes: number): Packer {
  return (values, from) => {
    for (let i = 0; i < items.length; i++) {
      const { kind, size, at } = items[i] as Item;
      const value = values[from + i];
      if (kind === 'c') scratch.write(value as string, at, size, 'latin1');
      else if (kind === 'd') scratch.writeDoubleLE(value as number, at);
      else writeInteger(value as number, at, size);
    }
    return scratch.toString('latin1', 0, bytes);
  };
}

/** Of what is too large, the low bytes. */
function writeInteger(value: number, at: number, size: number): void {
  let rest = value;
  for (let i = 0; i < size; i++) {
    scratch[at + i] = rest - 256 * Math.floor(rest / 256);
    rest = Math.floor(rest / 256);
  }
}

/** As exact as a double is. */
function readLong(bytes: Buffer, at: number, size: number, isSigned: boolean): number {
  const high = size - 4;
  return bytes.readUInt32LE(at) + 2 ** 32 * (isSigned ? bytes.readIntLE(at + 4, high) : bytes.readUIntLE(at + 4, high));
}
