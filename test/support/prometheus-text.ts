/** A number that a scrape tells. */
export interface ScrapedSample {
  readonly name: string;
  readonly labels: { readonly [name: string]: string };
  readonly value: number;
}

/** A metric with all its samples. */
export interface ScrapedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ScrapedSample[];
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;

/** What a server's `/metrics` says, read by the rules of Prometheus' text format. @throws Error of a line that breaks them. */
export class Scrape {
  readonly text: string;
  readonly metrics: ReadonlyMap<string, ScrapedMetric>;

  constructor(text: string) {
    this.text = text;
    this.metrics = parse(text);
  }

  static async of(url: string, headers: { readonly [name: string]: string } = {}): Promise<Scrape> {
    const response = await fetch(`${url}/metrics`, { headers });
    if (response.status !== 200) throw new Error(`/metrics answers ${response.status}`);
    return new Scrape(await response.text());
  }

  get samples(): ScrapedSample[] {
    return [...this.metrics.values()].flatMap(({ samples }) => samples);
  }

  /** The sum of all samples of this name that have these labels, among others; 0 if there is none. */
  sum(name: string, labels: ScrapedSample['labels'] = {}): number {
    return this.#of(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  has(name: string, labels: ScrapedSample['labels'] = {}): boolean {
    return this.#of(name, labels).length > 0;
  }

  #of(name: string, labels: ScrapedSample['labels']): ScrapedSample[] {
    const wanted = Object.entries(labels);
    return this.samples.filter((sample) => sample.name === name && wanted.every(([k, v]) => sample.labels[k] === v));
  }
}

function parse(text: string): Map<string, ScrapedMetric> {
  const metrics = new Map<string, ScrapedMetric>();
  let current: { name: string; help: string; type: string; samples: ScrapedSample[] } | null = null;
  for (const line of text.split('\n')) {
    const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/.exec(line) ?? [];
    if (name !== '') {
      if (metrics.has(name)) throw new Error(`${name} is told twice`);
      current = { name, help, type: '', samples: [] };
      metrics.set(name, current);
    } else if (line.startsWith('# TYPE ')) {
      const [, , of, type = ''] = line.split(' ');
      if (!current || of !== current.name) throw new Error(`a type without its help: ${line}`);
      current.type = type;
    } else if (line !== '') {
      const sample = sampleIn(line);
      const own: RegExp = current?.type === 'histogram' ? /_(bucket|sum|count)$/ : /$/;
      if (current?.name !== sample.name.replace(own, '')) throw new Error(`a sample of another metric: ${line}`);
      current.samples.push(sample);
    }
  }
  return metrics;
}

function sampleIn(line: string): ScrapedSample {
  const [, name = '', inBraces = '', value = ''] = sampleLine.exec(line) ?? [];
  if (name === '' || Number.isNaN(Number(value.replace('+Inf', 'Infinity')))) throw new Error(`no sample: ${line}`);
  const labels: { [name: string]: string } = {};
  labelPair.lastIndex = 0;
  while (labelPair.lastIndex < inBraces.length) {
    const [, label = '', text = ''] = labelPair.exec(inBraces) ?? [];
    if (label === '' || label in labels) throw new Error(`no labels: ${line}`);
    labels[label] = text;
  }
  return { name, labels, value: Number(value.replace('+Inf', 'Infinity')) };
}
