import type { Redis } from 'iovalkey';
import type { View } from '../define/index.ts';
import { featureSignature } from '../define/index.ts';
import type { KeyNames } from './keys.ts';
import type { Layout, Plan } from './plan.ts';
import type { EpochMs } from './vector.ts';

/** Whose time counts: the store's, or each entity's newest event's. */
export type Clock = 'wall' | 'event';

/** What is stored under this prefix does not fit what is to be served. */
export class IncompatibleStoreError extends Error {
  override readonly name = 'IncompatibleStoreError';
  readonly code = 'STORE_INCOMPATIBLE';
}

interface Enrolled {
  readonly signature: string;
  /** When the feature was first loaded under the prefix. */
  readonly since: EpochMs;
}

/**
 * What a key prefix is committed to: its clock, each feature ever loaded with what it means, and each layout that a log
 * may have. One hash; every entry is written once and never changed, so that processes starting together agree.
 */
export class PrefixRegistry {
  readonly #valkey: Redis;
  readonly #keys: KeyNames;

  constructor(valkey: Redis, keys: KeyNames) {
    this.#valkey = valkey;
    this.#keys = keys;
  }

  /**
   * Enrols what these plans bring, and refuses what contradicts the store.
   * @returns for each view, when its newest feature was first loaded.
   */
  async enrol(clock: Clock, plans: readonly Plan[]): Promise<Map<View, EpochMs>> {
    const stored = await this.#valkey.hgetall(this.#keys.registry);
    this.#assertFits(stored, clock, plans);

    const [seconds, micros] = await this.#valkey.time();
    const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    const additions = this.#additions(clock, plans, now).filter(([field]) => !(field in stored));
    await Promise.all(additions.map(([field, value]) => this.#valkey.hsetnx(this.#keys.registry, field, value)));

    const agreed = additions.length > 0 ? await this.#valkey.hgetall(this.#keys.registry) : stored;
    this.#assertFits(agreed, clock, plans);
    return new Map(
      plans.map(({ view }) => [
        view,
        Math.max(...view.features.map(({ name }) => parseEnrolled(agreed[featureField(view, name)]).since)),
      ]),
    );
  }

  /** The layout behind a hash that a log bears; null when nobody enrolled it. */
  async layout(view: View, layoutHash: string): Promise<Layout | null> {
    const text = await this.#valkey.hget(this.#keys.registry, layoutField(view, layoutHash));
    return text === null ? null : (JSON.parse(text) as Layout);
  }

  #additions(clock: Clock, plans: readonly Plan[], now: EpochMs): [string, string][] {
    return [
      ['clock', clock],
      ...plans.flatMap(({ view, layout, layoutHash }): [string, string][] => [
        [layoutField(view, layoutHash), JSON.stringify(layout)],
        ...view.features.map((feature): [string, string] => [
          featureField(view, feature.name),
          JSON.stringify({ signature: featureSignature(view, feature), since: now } satisfies Enrolled),
        ]),
      ]),
    ];
  }

  #assertFits(stored: { readonly [field: string]: string }, clock: Clock, plans: readonly Plan[]): void {
    const { prefix } = this.#keys;
    if (stored.clock !== undefined && stored.clock !== clock) {
      throw new IncompatibleStoreError(
        `the key prefix ${prefix} belongs to the ${stored.clock} clock and cannot be used with the ${clock} clock; choose another FRESHET_KEY_PREFIX`,
      );
    }
    for (const { view } of plans) {
      const at = `view ${view.name} v${view.version}`;
      const defined = new Map(view.features.map((feature) => [featureField(view, feature.name), feature]));
      for (const field of Object.keys(stored).filter((name) => name.startsWith(featureField(view, '')))) {
        const feature = defined.get(field);
        const was = parseEnrolled(stored[field]).signature;
        if (!feature) {
          throw new IncompatibleStoreError(
            `${at}: the feature ${field.slice(featureField(view, '').length)} is stored under the prefix ${prefix} but no longer defined; keep it, or give the view a new version`,
          );
        }
        const is = featureSignature(view, feature);
        if (was !== is) {
          throw new IncompatibleStoreError(
            `${at}: the feature ${feature.name} is stored as «${was}» but now defined as «${is}»; a new meaning is a new feature, or a new version of the view`,
          );
        }
      }
    }
  }
}

function featureField(view: View, name: string): string {
  return `feature:${view.name}:v${view.version}:${name}`;
}

function layoutField(view: View, layoutHash: string): string {
  return `layout:${view.name}:v${view.version}:${layoutHash}`;
}

function parseEnrolled(text: string | undefined): Enrolled {
  return JSON.parse(text ?? '{"signature":"","since":0}') as Enrolled;
}
