import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { leftOut } from '../../ops/grafana/panels.ts';
import { requestOutcomes } from '../../src/graphql/request-counts.ts';
import type { Scrape, ScrapedMetric } from '../support/prometheus-text.ts';
import { scrapeAfterTraffic } from './everything-asked.ts';
import { parseQuery, type Query } from './promql.ts';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../ops/${path}`, import.meta.url)), 'utf8');

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

const dashboard = JSON.parse(read('grafana/freshet.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
};
const { groups } = parse(read('prometheus/alerts.yml')) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

const shown = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ where: title, expr, legend: legendFormat, query: parseQuery(expr) })),
);
const alerted = rules.map(({ alert, expr }) => ({ where: alert, expr, legend: '', query: parseQuery(expr) }));
const queries = [...shown, ...alerted];

/** What Prometheus itself says of whoever it scrapes. */
const prometheusOwn: ReadonlySet<string> = new Set(['up']);
const prometheusLabels = ['job', 'instance'];

let scrapes: readonly [Scrape, Scrape];

beforeAll(async () => {
  scrapes = await scrapeAfterTraffic();
});

/** The metric that a sample of this name belongs to. */
function metricOf(name: string): ScrapedMetric | undefined {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const [own, histogram] = scrapes
    .map(({ metrics }) => metrics)
    .flatMap((metrics) => [metrics.get(name), metrics.get(base)]);
  return own ?? (histogram?.type === 'histogram' ? histogram : undefined);
}

/** Of all samples of this name, which labels there are, with which values. */
function labelsOf(name: string): ReadonlyMap<string, ReadonlySet<string>> {
  const labels = new Map<string, Set<string>>();
  for (const scrape of scrapes) {
    for (const sample of scrape.samples) {
      if (sample.name !== name) continue;
      for (const [label, value] of Object.entries(sample.labels)) {
        labels.set(label, (labels.get(label) ?? new Set()).add(value));
      }
    }
  }
  return labels;
}

const ownSelectors = ({ selectors }: Query) => selectors.filter(({ name }) => !prometheusOwn.has(name));

describe('the dashboard and the alerts', () => {
  it('ask for metrics that a live server tells, by labels and values that these have', () => {
    for (const { where, query } of queries) {
      for (const { name, matchers } of ownSelectors(query)) {
        expect(metricOf(name), `${name} in «${where}»`).toBeDefined();
        const labels = labelsOf(name);
        for (const { label, operator, value } of matchers) {
          if (prometheusLabels.includes(label)) continue;
          const known = label === 'outcome' ? new Set<string>(requestOutcomes) : labels.get(label);
          expect(known, `${name}{${label}} in «${where}»`).toBeDefined();
          const values = operator.endsWith('~') ? value.split('|') : [value];
          for (const one of values) expect([...(known ?? [])], `${name} in «${where}»`).toContain(one);
        }
      }
    }
  });

  it('group, and name their lines, by labels that are there', () => {
    for (const { where, query, legend } of queries) {
      const there = new Set(prometheusLabels);
      for (const { name } of query.selectors) for (const label of labelsOf(name).keys()) there.add(label);
      const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label as string);
      for (const label of [...query.grouping, ...named]) expect([...there], `«${where}»`).toContain(label);
      const kept = query.grouping.size > 0 ? [...query.grouping] : [...there];
      for (const label of named) expect(kept, `«${where}»`).toContain(label);
    }
  });

  it('take counters over time, and gauges as they are', () => {
    for (const { where, query } of queries) {
      for (const { name, isRange } of ownSelectors(query)) {
        const isCounted = metricOf(name)?.type !== 'gauge';
        expect(isRange, `${name} in «${where}»`).toBe(isCounted);
      }
      if (!query.functions.has('histogram_quantile')) continue;
      expect([...query.grouping], where).toContain('le');
      for (const { name } of query.selectors) expect(name, where).toMatch(/_bucket$/);
    }
  });
});

describe('the dashboard', () => {
  it('shows each metric that is told, but for those that are left out on purpose', () => {
    const told = new Set(scrapes.flatMap(({ metrics }) => [...metrics.keys()]));
    const inPanels = new Set(shown.flatMap(({ query }) => query.selectors.map(({ name }) => metricOf(name)?.name)));
    expect([...told].filter((name) => !inPanels.has(name)).sort()).toEqual(Object.keys(leftOut).sort());
  });

  it('has panels that say what they show, beside each other and not over one another', () => {
    const taken = new Set<string>();
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { type, title, description, gridPos: at, targets = [] } of dashboard.panels) {
      expect(at.x + at.w, title).toBeLessThanOrEqual(24);
      for (let x = at.x; x < at.x + at.w; x++) {
        for (let y = at.y; y < at.y + at.h; y++) {
          expect(taken.has(`${x},${y}`), title).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
      if (type === 'row') continue;
      expect(description, title).toMatch(/\.$/);
      expect(targets.length, title).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    }
  });

  it('has the variables that its queries ask for', () => {
    const variables = dashboard.templating.list.map(({ name }) => name);
    for (const { expr } of shown) {
      for (const [, name] of expr.matchAll(/\$(\w+)/g)) expect(['__rate_interval', ...variables]).toContain(name);
    }
  });
});

describe('each alert', () => {
  const runbook = read('README.md');

  it.each(rules)('$alert has the form that Prometheus takes, and something to do', (rule) => {
    const { alert, labels, annotations } = rule;
    expect(Object.keys(rule).sort()).toEqual(
      ['alert', 'annotations', 'expr', ...('for' in rule ? ['for'] : []), 'labels'].sort(),
    );
    expect(alert).toMatch(/^Freshet[A-Za-z]+$/);
    if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+[smh]$/);
    expect(['page', 'ticket']).toContain(labels.severity);
    expect(Object.keys(annotations).sort()).toEqual(['runbook_url', 'summary']);
    expect(annotations.runbook_url).toBe(`ops/README.md#${alert.toLowerCase()}`);
    expect(runbook).toMatch(new RegExp(`^#+ ${alert}\\n\\n.+`, 'm'));
    const { grouping } = parseQuery(rule.expr);
    for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
      expect(grouping.size > 0 ? [...grouping] : prometheusLabels).toContain(label);
    }
  });

  it('is of one name', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    expect(groups.map((group) => Object.keys(group).sort())).toEqual([['name', 'rules']]);
  });
});

describe('what is told', () => {
  it('is named by the rules of Prometheus, and says what it is', () => {
    for (const { metrics } of scrapes) {
      for (const { name, help, type } of metrics.values()) {
        if (!name.startsWith('freshet_')) continue;
        expect(name).toMatch(/^freshet_[a-z]+(_[a-z]+)*$/);
        expect(name.endsWith('_total'), name).toBe(type === 'counter');
        expect(name, name).not.toMatch(/_(ms|milliseconds|micros|kb|mb|percent)(_|$)/);
        expect(help, name).toMatch(/^.{10,}\.$|\.$/);
      }
    }
  });

  it('has labels of few values, none of which is an id, an amount or an address', () => {
    for (const scrape of scrapes) {
      for (const { name, metrics } of [{ name: 'all', metrics: scrape.metrics }]) {
        expect(metrics.size, name).toBeGreaterThan(40);
        for (const metric of metrics.values()) expect(metric.samples.length, metric.name).toBeLessThan(400);
      }
      // But that of the store, which is the operator's own.
      const text = scrape.text.replace(/ ?server="[^"]*"/g, '');
      expect(text).not.toMatch(/txn_\d|user_\d|merchant_\d|127\.0\.0\.1|12\.5/);
    }
  });
});
