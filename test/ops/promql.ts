import { parser } from '@prometheus-io/lezer-promql';

/** A metric that a query asks for. */
export interface Selector {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
  /** Whether it asks for a stretch of time, as `rate` does. */
  readonly isRange: boolean;
}

/** What a query of Prometheus asks for, by Prometheus' own grammar. */
export interface Query {
  readonly selectors: readonly Selector[];
  /** Labels by which it groups, or joins. */
  readonly grouping: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
}

/** Grafana puts a duration here. */
const interval = /\$__rate_interval/g;

/** @throws Error where it is no PromQL. */
export function parseQuery(expr: string): Query {
  const text = expr.replace(interval, '5m');
  const selectors: { name: string; matchers: Selector['matchers'][number][]; isRange: boolean }[] = [];
  const grouping = new Set<string>();
  const functions = new Set<string>();
  let inRange = 0;
  let inGrouping = 0;
  const of = ({ from, to }: { readonly from: number; readonly to: number }) => text.slice(from, to);
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${text}`);
      if (node.name === 'MatrixSelector') inRange += 1;
      else if (node.name === 'GroupingLabels') inGrouping += 1;
      else if (node.name === 'LabelName' && inGrouping > 0) grouping.add(of(node));
      else if (node.name === 'FunctionIdentifier') functions.add(of(node));
      else if (node.name === 'VectorSelector') selectors.push({ name: '', matchers: [], isRange: inRange > 0 });
      else if (node.name === 'Identifier') Object.assign(selectors.at(-1) ?? {}, { name: of(node) });
      else if (node.name === 'UnquotedLabelMatcher') {
        const [, label = '', operator = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(of(node)) ?? [];
        selectors.at(-1)?.matchers.push({ label, operator, value });
      }
    },
    leave: (node) => {
      if (node.name === 'MatrixSelector') inRange -= 1;
      else if (node.name === 'GroupingLabels') inGrouping -= 1;
    },
  });
  return { selectors, grouping, functions };
}
