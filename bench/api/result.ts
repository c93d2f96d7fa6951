import { isMet, type Requirement } from '../report/requirement.ts';
import { type Comparison, ratioTo } from './comparison.ts';
import type { QueryCost } from './growth.ts';
import type { Latency } from './latency.ts';
import type { Machine } from './machine.ts';
import type { StageOptions } from './stage.ts';
import { medianOf, type Turn } from './turn.ts';

export interface Result {
  readonly machine: Machine;
  readonly options: StageOptions;
  readonly comparisons: readonly Comparison[];
  readonly latencies: readonly Latency[];
  readonly costs: readonly QueryCost[];
  readonly requirements: readonly Requirement[];
}

/** All that was found, with every turn, as JSON. */
export function resultJson({ machine, options, comparisons, latencies, costs, requirements }: Result): string {
  const result = {
    machine,
    options,
    comparisons: comparisons.map((comparison) => ({
      title: comparison.title,
      unit: comparison.unit,
      contenders: comparison.measured.map(({ contender, settings, turns }) => ({
        contender,
        settings,
        medians: mediansOf(turns),
        ratios: Object.fromEntries(comparison.baselines.map((name) => [name, ratioTo(comparison, contender, name)])),
        turns,
      })),
    })),
    latencies,
    queryCosts: costs,
    requirements: requirements.map(({ what, found, limit, bound = 'at most', ...rest }) => ({
      what,
      found,
      bound,
      limit,
      met: isMet({ what, found, limit, bound, ...rest }),
    })),
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}

function mediansOf(turns: readonly Turn[]): Turn {
  return {
    perSecond: medianOf(turns, 'perSecond'),
    p50Ms: medianOf(turns, 'p50Ms'),
    p99Ms: medianOf(turns, 'p99Ms'),
    serverUs: medianOf(turns, 'serverUs'),
    valkeyUs: medianOf(turns, 'valkeyUs'),
    loadUs: medianOf(turns, 'loadUs'),
  };
}
