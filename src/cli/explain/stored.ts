import type { InspectedKey, LogComposition } from '../../engine/index.ts';
import { type Row, section, table } from './columns.ts';
import { many, moment, number, span } from './words.ts';

/** What a log consists of: its bytes, its cells, and since when it knows what. */
export function logSection(log: LogComposition): string[] {
  const { headerBytes, singles, singleSlots, singleBytes, retracted, tiles, tileSlots, tileBytes, eventsInTiles } = log;
  const bytes = headerBytes + singleSlots * singleBytes + tileSlots * tileBytes;
  const rows: Row[] = [['bytes', `${number(bytes)}, of which ${number(headerBytes)} are the header`]];
  const out = retracted > 0 ? `, ${number(retracted)} of them retracted` : '';
  rows.push(['singles', `${slots(singles, singleSlots, singleBytes)}: the newest events, each by itself${out}`]);
  if (tiles === 0) {
    rows.push(['tiles', 'none: no events were put together']);
  } else {
    rows.push(
      ['tiles', `${slots(tiles, tileSlots, tileBytes)}, of ${many(eventsInTiles, 'event')} put together`],
      ['frontier', `${moment(log.frontier)}, the newest event in a tile; put together ${moment(log.compactedAt)}`],
    );
  }
  if (log.oldest !== null) rows.push(['oldest', moment(log.oldest)]);
  if (log.dropped !== null) rows.push(['dropped', `what came up to ${moment(log.dropped)}: no window holds it`]);
  if (log.rememberedSince !== null) {
    const early = `${many(log.forgottenIds, 'id')} made room while they were still looked for`;
    rows.push(['ids', `of events in tiles, known of those after ${moment(log.rememberedSince)}: ${early}`]);
  }
  if (log.corrections > 0 || log.droppedCorrections > 0) {
    const early = log.droppedCorrections > 0 ? `; ${number(log.droppedCorrections)} made room too early` : '';
    rows.push(['corrections', `${number(log.corrections)} of events in tiles are known${early}`]);
  }
  return section('log', rows);
}

function slots(used: number, all: number, size: number): string {
  return all === 0 ? 'none' : `${number(used)} in ${many(all, 'slot')} of ${size} B, ${number(all - used)} spare`;
}

/** The keys of an entity in a view; those that are not there too. */
export function keyTable(keys: readonly InspectedKey[]): string[] {
  const lines = keys.map(({ kind, name, size, memory, expiresIn }) => {
    if (size === null) return [kind, '–', '–', '–', name];
    const length = kind === 'hash' ? many(size, 'field') : `${number(size)} B`;
    const expires = expiresIn < 0 ? 'never' : `in ${span(expiresIn)}`;
    return [kind, length, memory === null ? '?' : `${number(memory)} B`, expires, name];
  });
  return table('keys', [['', 'size', 'memory', 'expires', ''], ...lines], [1, 2]);
}
