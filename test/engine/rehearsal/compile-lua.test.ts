import fc from 'fast-check';
import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { compileLua } from '../../../src/engine/rehearsal/compile-lua.ts';
import { luaLibrary } from '../../../src/engine/rehearsal/lua-library.ts';
import { connect } from '../../../src/valkey/index.ts';
import { singleAddress } from '../../support/single-address.ts';

let valkey: Redis;

beforeAll(() => {
  valkey = connect(singleAddress(inject('valkeyUrl')));
});
afterAll(() => valkey?.disconnect());

/** What Valkey makes of a text that gives several values, and what JavaScript does: all as Lua would print them. */
async function bothWays(text: string): Promise<{ readonly there: string[]; readonly here: string[] }> {
  const printed = `
    local function run() ${text} end
    local function print_all(...)
      local texts = {}
      for i, value in ipairs({ ... }) do
        if type(value) == 'number' then value = string.format('%.17g', value) end
        texts[i] = type(value) == 'string' and value or tostring(value)
      end
      return texts
    end`;
  const there = (await valkey.call('EVAL', `${printed} return print_all(run())`, 0)) as string[];
  const body = `${compileLua(`${printed} redis.register_function('it', function() return print_all(run()) end)`)}`;
  let work: () => unknown[] = () => [];
  const lua = luaLibrary(
    () => {},
    () => Buffer.alloc(0),
    (_name, run) => {
      work = run as () => unknown[];
    },
  );
  new Function('lua', body)(lua);
  return { there: there.map(plain), here: work().slice(1).map(plain) };
}

/** A number by whichever decimal. */
function plain(text: unknown): string {
  const named = String(text)
    .replace(/^(-?)(inf|nan)$/i, (_all, sign, name) => (name.toLowerCase() === 'nan' ? 'NaN' : `${sign}Infinity`))
    .trim();
  return named !== '' && (named === 'NaN' || !Number.isNaN(Number(named))) ? String(Number(named)) : named;
}

describe('Lua in JavaScript says what Lua says', () => {
  it.each([
    ['0 and empty texts are true', "return 0 and 'yes' or 'no', '' and 1 or 2, nil and 1 or 2, false or 3, not 0"],
    [
      'and, or give one of both sides',
      "local a, b = false, 'b' return a == nil and 1 or 2, b and 4, a or b, (a or 0) + 1",
    ],
    ['a name may be declared anew', 'local a = 1 local a = a + 1 do local a = a * 10 end return a'],
    [
      'all values are known before any is set',
      'local a, b = 1, 2 a, b = b, a local t = { 1, 2 } t[1], t[2] = t[2], t[1] return a, b, t[1], t[2]',
    ],
    ['what lacks a value is nil', 'local a, b, c = 1 return tostring(b), tostring(c), a'],
    [
      'several values spread at the end of a list',
      'local function two() return 1, 2 end local function more() return two() end local a, b, c = 0, more() return a, b, c, more()',
    ],
    [
      'and are one elsewhere',
      'local function two() return 1, 2 end local a, b = two(), 5 return a, b, (two()), two() + 1',
    ],
    [
      'in brackets they are one',
      'local function two() return 1, 2 end local function one() return (two()) end local t = { (two()) } return one(), #t, #{ two() }, #{ one(), two() }',
    ],
    [
      'a function that ends without a value gives none',
      'local function none(a) if a then return 1, 2 end end local t = { none(false) } return #t, tostring((none(false))), none(true)',
    ],
    [
      'names of a part are handed out',
      'local two, three = (function() local function two() return 1, 2 end local function three() return 3 end return two, three end)() return three(), two()',
    ],
    [
      'functions in fields',
      'local t = {} t.two = function() return 1, 2 end function t.one() return 7 end return t.one(), t.two()',
    ],
    [
      'more arguments than names',
      'local function last(...) local t = { ... } return t[#t], (...) end return last(4, 5, 6)',
    ],
    [
      'loops',
      'local t = {} for i = 1, 3 do t[#t + 1] = i end for i = 3, 1, -1 do t[#t + 1] = i * 10 end local i = 0 while true do i = i + 1 if i > 4 then break end end repeat i = i - 1 local done = i < 2 until done return #t, t[4], t[6], i',
    ],
    ['a loop of nothing', 'local n = 0 for i = 2, 1 do n = n + i end for _, x in ipairs({}) do n = n + x end return n'],
    [
      'closures see what they were made in',
      'local t = {} for i = 1, 3 do t[i] = function() return i end end return t[1]() + t[2]() * 10 + t[3]() * 100',
    ],
    ['tables shrink from the end', 'local t = { 1, 2, 3 } t[#t] = nil t[#t] = nil t[#t + 1] = 9 return #t, t[2]'],
    [
      'tables as keys',
      'local a, b = { n = 1 }, { n = 2 } local t = { [a] = 5 } t[b] = 6 local sum = 0 for k, v in pairs(t) do sum = sum + k.n * v end return t[a], t[b], sum, tostring(t[{}])',
    ],
    [
      'keys of tables that are reached through others',
      'local p = { { n = 3 } } local t = {} t[p[1]] = 4 for k in pairs(t) do return k.n, t[p[1]] end',
    ],
    [
      'numbers and texts as keys',
      "local t = {} t['a'], t[7] = 1, 2 local n = 0 for k, v in pairs(t) do n = n + v end return n, t.a, t[7], tostring(next({}))",
    ],
    ['remainders go with the divisor', 'return -7 % 5, 7 % 5, 2 ^ 10, -2 ^ 2, 7 % 2 ^ 3'],
    ['not a number', 'local n = 0 / 0 return n == n, n ~= n, n < 1, 1 / 0'],
    [
      'stretches of a text',
      "local s = 'abcdef' return string.sub(s, 2, 4), string.sub(s, -2), string.sub(s, 3), string.sub(s, 0, 2), string.sub(s, 5, 99), string.sub(s, 4, 3), string.sub(s, 2, -2), #s",
    ],
    [
      'texts',
      "return string.rep('ab', 3), string.rep('x', 0), string.byte('a'), string.char(98), 'a' .. 1 .. 'b', tostring(nil)",
    ],
    [
      'places in a text',
      "local s = 'aXbXc' local a, b = string.find(s, 'X', 1, true) return a, b, string.find(s, 'X', 3, true), tostring((string.find(s, 'no', 1, true)))",
    ],
    [
      'lists',
      "local t = { 3, 1, 2 } table.sort(t) local a = table.concat(t, ',') table.sort(t, function(x, y) return x > y end) table.insert(t, 1, 9) table.insert(t, 8) local gone = table.remove(t, 2) return a, table.concat(t), gone, table.concat(t, '', 2, 3)",
    ],
    ['a stretch of a list', 'return unpack({ 1, 2, 3, 4 }, 2, 3)'],
    [
      'decimals',
      "return string.format('%.0f', 1795918103977), string.format('%.0f', 0), string.format('%.15g', 0.1), string.format('%.16g', 1e300), string.format('%.17g', 12345678.9)",
    ],
    [
      'steps of either sign',
      'local t = {} local by = -2 for i = 5, 1, by do t[#t + 1] = i end by = 2 for i = 1, 5, by do t[#t + 1] = i end return unpack(t)',
    ],
    ['places are found before names change', 'local i, t = 1, {} i, t[i] = i + 1, 20 return i, t[1], tostring(t[2])'],
    ['the last of a list is removed', 'local t = { 1, 2, 3 } local last = table.remove(t) return last, #t'],
    ['bits', 'return bit.band(6, 3), bit.bxor(6, 3), bit.band(536870912, 536870913)'],
    ['what can fail', 'local fine, a, b = pcall(function() return 1 end) return tostring(fine), a'],
  ])('%s', async (_what, text) => {
    const { there, here } = await bothWays(text);
    expect(here).toEqual(there);
    expect(there.length).toBeGreaterThan(0);
  });

  it('packs and unpacks to the byte', async () => {
    // Lua takes -0 and 0 in one text for one constant.
    const number = fc.double({ noNaN: true }).map((n) => n + 0);
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(
          number,
          fc.nat(2 ** 32 - 1),
          fc.integer({ min: -(2 ** 55), max: 2 ** 55 - 1 }),
          fc.nat(2 ** 40 - 1),
          fc.nat(255),
        ),
        async ([double, word, long, five, byte]) => {
          const format = '<dI4i7I5Bc3I2ddd';
          const shown = (n: number) =>
            Object.is(n, -0) ? '-0' : Number.isFinite(n) ? String(n) : n > 0 ? '1/0' : '-1/0';
          const values = `${shown(double)}, ${word}, ${long}, ${five}, ${byte}, 'a\\0b', ${word % 65_536}, ${shown(double)}, 1/0, 2`;
          const { there, here } = await bothWays(`
            local packed = struct.pack('${format}', ${values})
            local texts = {}
            for i = 1, #packed do texts[i] = string.byte(packed, i) end
            local a, b, c, d, e, f, g, h, i, j, at = struct.unpack('${format}', 'xy' .. packed, 3)
            local whole = struct.unpack('<I8', struct.pack('<I4I4', b, b))
            return table.concat(texts, ' '), a, b, c, d, e, #f, g, h, i, j, at, whole`);
          expect(here).toEqual(there);
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([
    ['goto over ::over::', ''],
    ['for a in next, {} do end', 'not pairs or ipairs'],
    ['local t = { 1, a = 2 }', 'items and names'],
    ["local s = 'abc' return s:sub(2, 3)", 'method sub'],
    ['return math.huge', 'math.huge'],
    ['return select(1, 2)', 'select'],
    ['thing = 1', 'global name'],
    ['local function two() return 1, 2 end local alias = two', 'two, which gives several values, is passed on'],
    ['local function two() return 1, 2 end return { run = two }', 'two, which gives several values, is passed on'],
  ])('does not take what it does not know: %s', (text, reason) => {
    expect(() => compileLua(text)).toThrow(reason);
  });
});
