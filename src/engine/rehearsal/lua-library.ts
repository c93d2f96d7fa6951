import { nativeTables } from './native-tables.ts';
import { formatOf } from './struct.ts';

/**
 * What the engine uses of Lua, for its text in JavaScript (see compile-lua.ts). A table is an array from place 1 on, or an object of
 * names; nil is undefined; a string is bytes, a character each. A function that may give several values gives an array.
 */
export interface LuaLibrary {
  readonly [name: string]: unknown;
}

type Table = unknown[];
type Callback = (...args: never[]) => unknown;

/** What `redis.call` does, and what looks at ranges past it. @param register is told of each function that the text registers. */
export function luaLibrary(
  call: (args: readonly unknown[]) => unknown,
  look: (key: string, from: number, bytes: number) => Buffer,
  register: (name: string, run: Callback) => void,
): LuaLibrary {
  const { key, named } = keysOfTables();
  return {
    truthy: (value: unknown) => value !== undefined && value !== false,
    len,
    key,
    mod: (a: number, b: number) => a - Math.floor(a / b) * b,
    named,
    next: (table: { readonly [name: string]: unknown }) => {
      for (const name in table) if (table[name] !== undefined) return named(name);
      return undefined;
    },
    place,
    packTable: (names: string, table: Table, from = 1, to = len(table)) => formatOf(names).packTable(table, from, to),
    unpackTable: (names: string, text: string, at = 1) => formatOf(names).unpackTable(text, at - 1),
    unpack,
    error: (reason: unknown) => {
      throw reason;
    },
    type: (value: unknown) => (value === undefined ? 'nil' : typeof value === 'object' ? 'table' : typeof value),
    tonumber: (value: unknown) => (Number.isNaN(Number(value)) ? undefined : Number(value)),
    tostring: (value: unknown) => (value === undefined ? 'nil' : String(value)),
    // What goes wrong is for the store itself to tell: nothing is caught here.
    pcall: (work: (...args: unknown[]) => unknown, ...args: unknown[]) => [true, work(...args)],
    math: { floor: Math.floor, ceil: Math.ceil, max: Math.max, min: Math.min, sqrt: Math.sqrt },
    bit: { band: (a: number, b: number) => a & b, bxor: (a: number, b: number) => a ^ b },
    // There is no hurry: nobody waits for the store meanwhile.
    os: { clock: () => 0 },
    string: { sub, byte, char: String.fromCharCode, rep, find, format },
    table: { concat, insert, remove, sort },
    struct: {
      pack: (names: string, ...values: (number | string)[]) => formatOf(names).pack(values),
      unpack: (names: string, text: string, at = 1) => formatOf(names).unpack(text, at - 1),
    },
    tables: nativeTables(call, look, (names, text) => formatOf(names).unpackTable(text, 0)),
    redis: {
      call: (...args: unknown[]) => call(args),
      register_function: (name: string | { function_name: string; callback: Callback }, run?: Callback) =>
        typeof name === 'string' ? register(name, run as Callback) : register(name.function_name, name.callback),
    },
  };
}

function len(value: string | Table): number {
  if (typeof value === 'string') return value.length;
  let last = value.length - 1;
  while (last > 0 && value[last] === undefined) last--;
  return last;
}

/** What stands for tables that are other tables' keys: parts of views, of which there are few, and which stay as long as the text. */
function keysOfTables() {
  const keys = new Map<string, object>();
  const names = new WeakMap<object, string>();

  function key(value: unknown): number | string {
    if (typeof value !== 'object') return value as number | string;
    let name = names.get(value as object);
    if (name === undefined) {
      name = `#${keys.size}`;
      keys.set(name, value as object);
      names.set(value as object, name);
    }
    return name;
  }

  /** What a name stands for: a number, or what `key` gave the name to. */
  function named(name: string): unknown {
    const first = name.charCodeAt(0);
    if (first === 0x23) return keys.get(name) ?? name;
    return first >= 0x30 && first <= 0x39 && /^\d+$/.test(name) ? Number(name) : name;
  }

  return { key, named };
}

function unpack(table: Table, from = 1, to = len(table)): Table {
  return table.slice(from, to + 1);
}

/** From and to are counted from 1, or, below 0, from the end. */
function sub(text: string, from: number, to = -1): string {
  const first = from < 0 ? Math.max(text.length + from, 0) : Math.max(from - 1, 0);
  return text.substring(first, Math.max(first, to < 0 ? text.length + to + 1 : to));
}

function byte(text: string, at = 1): number | undefined {
  const code = text.charCodeAt(at - 1);
  return Number.isNaN(code) ? undefined : code;
}

function rep(text: string, count: number): string {
  return count > 0 ? text.repeat(count) : '';
}

function find(text: string, what: string, from = 1): number[] {
  const at = text.indexOf(what, from - 1);
  return at < 0 ? [] : [at + 1, at + what.length];
}

/** The first of what `find` gives. */
function place(text: string, what: string, from = 1): number | undefined {
  const at = text.indexOf(what, from - 1);
  return at < 0 ? undefined : at + 1;
}

function format(how: string, value: number): string {
  if (how === '%.0f') return value.toFixed(0);
  const digits = /^%\.(\d+)g$/.exec(how)?.[1];
  if (digits === undefined) throw new Error(`the format ${how} is not known here`);
  return String(Number(value.toPrecision(Number(digits))));
}

function concat(table: Table, between = '', from = 1, to = len(table)): string {
  let text = '';
  for (let i = from; i <= to; i++) text += i > from ? between + table[i] : table[i];
  return text;
}

function insert(table: Table, ...[at, value]: [unknown] | [number, unknown]): void {
  if (value === undefined) table[len(table) + 1] = at;
  else table.splice(at as number, 0, value);
}

function remove(table: Table, at = len(table)): unknown {
  return table.splice(at, 1)[0];
}

function sort(table: Table, isBefore?: (a: unknown, b: unknown) => boolean): void {
  const items = table.slice(1, len(table) + 1);
  if (isBefore) items.sort((a, b) => (isBefore(a, b) ? -1 : isBefore(b, a) ? 1 : 0));
  else items.sort((a, b) => (a as number) - (b as number));
  for (const [i, item] of items.entries()) table[i + 1] = item;
}
