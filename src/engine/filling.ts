import { type Feature, formatDuration, type View } from '../define/index.ts';
import type { KeyNames } from './keys.ts';
import { layoutOf } from './layout.ts';
import type { LogCaller } from './log-caller.ts';
import { LogFaultError, movingError } from './outcome.ts';
import { type Plan, planView } from './plan.ts';
import type { FillOutcome } from './reply.ts';
import { writeFilling } from './upgrade.ts';
import { logFailure } from './valkey-failure.ts';

/** Attempts to find both logs of an entity in the layouts of today; a process of another deployment may change them meanwhile. */
const mostAttempts = 5;

/**
 * Has one version of a view take over what another one keeps of some entities, in one call for as many as it has time for.
 * @param forced whether also where an event is labelled or retracted in the one and not in the other.
 * @param bringUpToDate logs of a view, which may be in an older layout.
 * @returns in the order of the ids; an Error in the place of one that cannot be taken over.
 * @throws UnavailableError
 */
export async function fillLogs(
  caller: LogCaller,
  keys: KeyNames,
  { from, to }: { readonly from: Plan; readonly to: Plan },
  ids: readonly string[],
  forced: boolean,
  bringUpToDate: (plan: Plan, ids: readonly string[]) => Promise<unknown>,
): Promise<(FillOutcome | Error)[]> {
  const argument = writeFilling(from, to, forced);
  const outcomes = new Map<string, FillOutcome | Error>();
  let pending = [...new Set(ids)];
  for (let attempt = 0; pending.length > 0; ) {
    const asked = caller.isOneEntityACall ? pending.slice(0, 1) : pending;
    const logs = asked.map((id) => keys.log(from.view, id));
    const replies = await caller.call('fill', logs, [argument], (reader) => logs.map(() => reader.filling()));
    const outdated: string[] = [];
    for (const [i, reply] of replies.entries()) {
      const id = asked[i] as string;
      if (reply.kind === 'filling') outcomes.set(id, reply.outcome);
      else if (reply.kind === 'fault') outcomes.set(id, logFailure(logs[i] as string, reply.reason));
      else if (reply.kind === 'moving') outcomes.set(id, movingError());
      else if (reply.kind === 'layout') outdated.push(id);
    }
    if (outdated.length > 0) {
      attempt += 1;
      for (const plan of [from, to]) await bringUpToDate(plan, outdated);
      if (attempt === mostAttempts) {
        for (const id of outdated)
          outcomes.set(id, new LogFaultError(`${keys.log(from.view, id)}: is in another layout`));
      }
    }
    pending = pending.filter((id) => !outcomes.has(id));
  }
  return ids.map((id) => outcomes.get(id) as FillOutcome | Error);
}

/** A feature that cannot be taken over, and what of it was never kept. */
export interface Unfillable {
  readonly feature: string;
  readonly reason: string;
}

/**
 * What of a version of a view another one never kept, so that it cannot be told from that one's logs: feature by feature.
 * Nothing, if all of it can be taken over.
 */
export function unfillable(from: View, to: View): Unfillable[] {
  const source = planView(from);
  const strange = foreignness(from, to);
  if (strange !== null) return [{ feature: '*', reason: strange }];
  return to.features.flatMap((feature) => {
    const reason = lackOf(source, planView({ ...to, features: [feature] }));
    return reason === null ? [] : [{ feature: feature.name, reason }];
  });
}

/** Why two views are not of the same thing; null if they are. */
function foreignness(from: View, to: View): string | null {
  if (from.entity.name !== to.entity.name) return `one is of ${from.entity.name}, the other of ${to.entity.name}`;
  if (from.event.name !== to.event.name) return `one is of ${from.event.name}, the other of ${to.event.name}`;
  if (from.by !== to.by) return `one goes by ${from.by}, the other by ${to.by}`;
  if (from.event.id !== to.event.id || from.event.time !== to.event.time)
    return 'their events have other ids, or other times';
  return null;
}

/** What a plan of one feature needs that a source does not keep; null: nothing. */
function lackOf(source: Plan, wanted: Plan): string | null {
  const [has, needs] = [layoutOf(source), layoutOf(wanted)];
  const missing = (kind: 'columns' | 'flags' | 'distinctFields' | 'lifetimes') =>
    needs[kind].find((name) => !has[kind].includes(name));
  const column = missing('columns') ?? missing('distinctFields');
  if (column !== undefined) return `${column} was never kept`;
  const flag = missing('flags');
  if (flag !== undefined) return `it was never kept which events have ${flag}`;
  const lifetime = missing('lifetimes');
  if (lifetime !== undefined) return `a running figure goes by arrival, and this one was never kept (${lifetime})`;
  const { window } = (wanted.view.features[0] as Feature).aggregation;
  const reachMs = window.kind === 'sliding' ? window.lengthMs + window.delayMs : 0;
  if (reachMs > source.spanMs) {
    return `its window reaches back ${formatDuration(reachMs)}, and of events older than ${formatDuration(source.spanMs)} not all are known`;
  }
  for (const lane of needs.lanes) {
    const kept = has.lanes.find(({ name }) => name === lane.name);
    if (!kept || (lane.values && !kept.values) || (lane.trues && !kept.trues)) {
      return 'of events that were put together, its values were never kept';
    }
    if ((lane.newest && !kept.newest) || (lane.oldest && !kept.oldest)) {
      return `of events that were put together, the ${lane.newest && !kept.newest ? 'newest' : 'oldest'} value was never kept`;
    }
  }
  for (const set of wanted.seen) {
    const longest = Math.max(
      0,
      ...(source.seen.find(({ name }) => name === set.name)?.windows ?? []).map(({ lengthMs }) => lengthMs),
    );
    const reach = Math.max(...set.windows.map(({ lengthMs }) => lengthMs));
    if (reach > longest) {
      return `its values are known for ${longest === 0 ? 'no time' : formatDuration(longest)}, and it needs them for ${formatDuration(reach)}`;
    }
  }
  if (wanted.label && (!source.label || (wanted.label.tellsFalse && !source.label.tellsFalse))) {
    return 'of events that were put together, their labels were never kept one by one';
  }
  return null;
}
