import { type Row, section, table, wrap } from './columns.ts';
import type { Explanation, FeatureExplanation } from './explanation.ts';
import { madeOfSection, nextMove, shortMove } from './made-of.ts';
import { keyTable, logSection } from './stored.ts';
import { fromNow, many, moment, shortBound, value } from './words.ts';

const readOnly = 'Nothing was changed: all of this was read, by a function that Valkey keeps from writing.';

/**
 * Explanations for people.
 * @param isOfOne whether one feature was asked for, which is told of in full.
 */
export function explanationText(explanations: readonly Explanation[], isOfOne: boolean): string {
  return explanations.map((one) => linesOf(one, isOfOne).join('\n')).join('\n\n\n');
}

function linesOf(explanation: Explanation, isOfOne: boolean): string[] {
  const { entity, id, view, version, features, stored, keys, log } = explanation;
  const one = isOfOne ? features[0] : undefined;
  const lines = [`${entity} ${id}: ${one ? `${one.name} of ` : ''}${view} v${version}`];
  if (one) lines.push(...wrap(one.description), ...definitionSection(one));
  if (!stored) return [...lines, ...nothing(explanation, one), '', readOnly];
  if (one) lines.push(...valueSection(one, explanation), ...madeOfSection(one, explanation), ...fromSection(one));
  else lines.push(...summary(explanation), ...section('vector', vectorRows(explanation)));
  if (log) lines.push(...logSection(log));
  return [...lines, ...keyTable(keys), '', readOnly];
}

function nothing({ entity, keys }: Explanation, one: FeatureExplanation | undefined): string[] {
  const why =
    'no event of it was recorded under this key prefix, or all are older than anything that is kept, or it was forgotten';
  const served = one ? `${one.name} is served as ${value(one.value)}.` : 'Its features are those of empty windows.';
  const lines = ['', ...wrap(`Nothing is stored of this ${entity}: ${why}. ${served}`)];
  const left = keys.filter(({ size }) => size !== null);
  if (left.length === 0) return lines;
  return [
    ...lines,
    '',
    'These keys are left over from a log that is gone; whatever is recorded next takes their place.',
    ...keyTable(left),
  ];
}

function definitionSection({ kind, field, window, where, hashField }: FeatureExplanation): string[] {
  const rows: Row[] = [['aggregation', field === null ? kind : `${kind} of ${field}`]];
  if (window !== null) rows.push(['window', window]);
  if (where !== null) rows.push(['where', where]);
  rows.push(['hash field', hashField ?? 'none: it is computed when it is read']);
  return section('definition', rows);
}

function valueSection(feature: FeatureExplanation, explanation: Explanation): string[] {
  const { value: now, storedValue, foldedValue, hashField, agrees, method } = feature;
  const rows: Row[] = [['now', value(now)]];
  if (method) rows.push(['how sure', sureText(feature)]);
  if (explanation.vector?.outdated && hashField) {
    rows.push(['stored', `${value(storedValue)}: of ${moment(explanation.vector.asOf)}, and outdated`]);
  }
  if (!agrees) {
    const contradiction = `folding all cells anew gives ${value(foldedValue)}. This is a bug: please report all of this`;
    rows.push(['CONTRADICTION', contradiction]);
  }
  return section('value', [...rows, ...vectorRows(explanation)]);
}

function vectorRows({ vector, now, clock }: Explanation): Row[] {
  if (!vector) return [];
  const { asOf, validUntil, outdated, revision, eventSeq, lastEventAt, completeSince } = vector;
  const until = validUntil === null ? 'for ever' : `until ${moment(validUntil)}`;
  const left = validUntil === null || clock === 'event' ? '' : `, ${fromNow(validUntil - (now ?? 0))}`;
  const held = outdated ? `${until}${left}: the next read folds it anew` : `${until}${left}, if no event comes`;
  return [
    ['as of', moment(asOf)],
    ['valid', held],
    ['revision', `${revision}, after ${many(eventSeq, 'event')}, the newest of ${moment(lastEventAt)}`],
    ['complete', `since ${moment(completeSince)}`],
  ];
}

/** Why a value is an estimate. */
function reasonFor(kind: string): string {
  if (kind === 'distinct') return 'since not all last-seen times are known';
  if (kind === 'lastN') return 'since older events were put together';
  return 'since an edge of the window cuts events that were put together';
}

function sureText({ method, lower, upper, kind, value: now }: FeatureExplanation): string {
  const what = kind === 'lastN' ? 'the number of values that it should list' : 'the truth';
  const between = `${what} is between ${value(lower)} and ${value(upper)}`;
  switch (method) {
    case 'EXACT':
      return now === null ? 'exact: there is no value' : 'exact';
    case 'SAMPLED':
      return `estimated from a sample: in 99 % of cases ${between}`;
    case 'UNREACHABLE':
      return 'cannot be told';
    default:
      return `an estimate, ${reasonFor(kind)}: ${between}`;
  }
}

function fromSection({ from, kind }: FeatureExplanation): string[] {
  if (from.length === 0) return [];
  const rows = from.map((one): Row => [one.name, `${value(one.value)}, ${shortSure(one)}`]);
  return section(kind === 'ratio' ? 'one over the other' : 'computed from', rows);
}

function shortSure({ method, lower, upper, agrees }: FeatureExplanation): string {
  if (!agrees) return 'CONTRADICTION';
  if (method === null) return 'computed when read';
  if (method === 'EXACT') return 'exact';
  if (method === 'UNREACHABLE') return 'cannot be told';
  return typeof lower === 'string' ? 'an estimate' : `${shortBound(lower, 'lower')} to ${shortBound(upper, 'upper')}`;
}

function summary(explanation: Explanation): string[] {
  const { features, now, clock } = explanation;
  const lines = features.map((one) => {
    const move = nextMove(one);
    return [one.name, value(one.value), shortSure(one), move ? shortMove(move, one, explanation) : ''];
  });
  const isByEvents = clock === 'event';
  const heading = `now, ${moment(now)}${isByEvents ? ', the time of its newest event' : ''}`;
  return table(
    heading,
    [['', 'value', 'how sure', `moves next${isByEvents ? ', by events’ time' : ''}`], ...lines],
    [1],
  );
}
