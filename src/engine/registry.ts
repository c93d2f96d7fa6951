import type { Redis } from 'iovalkey';
import type { View } from '../define/index.ts';
import { featureSignature } from '../define/index.ts';
import type { KeyNames } from './keys.ts';
import { type Layout, layoutHash, layoutOf } from './layout.ts';
import type { Plan } from './plan.ts';
import { orUnavailable } from './valkey-failure.ts';
import type { EpochMs } from './vector.ts';

/** Whose time counts: the store's, or each entity's newest event's. */
export type Clock = 'wall' | 'event';

/** What is stored under this prefix does not fit what is to be served. */
export class IncompatibleStoreError extends Error {
  override readonly name = 'IncompatibleStoreError';
  readonly code = 'STORE_INCOMPATIBLE';
}

/** What the function `enrol` answers. */
type Enrolment = { readonly stored: { readonly [field: string]: string } } | { readonly conflict: Conflict };

interface Conflict {
  readonly field: string;
  readonly stored: string;
  /** Absent: the definitions no longer have it. */
  readonly wanted?: string;
}

/**
 * What a key prefix is committed to: its clock, each feature ever loaded with what it means and since when, and each
 * layout that a log may have. One hash; every entry is written once and never changed.
 */
export class PrefixRegistry {
  readonly #valkey: Redis;
  readonly #keys: KeyNames;
  readonly #layouts = new Map<string, Layout>();

  constructor(valkey: Redis, keys: KeyNames) {
    this.#valkey = valkey;
    this.#keys = keys;
  }

  /**
   * Enrols what these plans bring, in one step, or refuses what contradicts the store and writes nothing.
   * @param call calls the function `enrol` with this key and argument.
   * @returns for each view, when its newest feature was first loaded.
   */
  async enrol(
    clock: Clock,
    plans: readonly Plan[],
    call: (key: string, argument: string) => Promise<Buffer>,
  ): Promise<Map<View, EpochMs>> {
    const layouts = plans.map((plan) => {
      const layout = layoutOf(plan);
      return [layoutField(plan.view, layoutHash(layout)), JSON.stringify(layout)];
    });
    const features = plans.map(({ view }) => [
      featureField(view, ''),
      Object.fromEntries(view.features.map((feature) => [feature.name, featureSignature(view, feature)])),
    ]);
    const wanted = { fixed: { clock, ...Object.fromEntries(layouts) }, features: Object.fromEntries(features) };
    const reply = await call(this.#keys.registry, JSON.stringify(wanted));
    const enrolment = JSON.parse(reply.toString()) as Enrolment;
    if ('conflict' in enrolment) throw this.#refusal(enrolment.conflict, plans);
    return new Map(
      plans.map(({ view }) => [
        view,
        Math.max(...view.features.map(({ name }) => Number(enrolment.stored[`since:${featureField(view, name)}`]))),
      ]),
    );
  }

  /**
   * The layout behind a hash that a log bears; null when nobody enrolled it.
   * @throws UnavailableError
   */
  async layout(view: View, hash: string): Promise<Layout | null> {
    const field = layoutField(view, hash);
    const known = this.#layouts.get(field);
    if (known) return known;
    const text = await orUnavailable(() => this.#valkey.hget(this.#keys.registry, field));
    if (text === null) return null;
    const layout = JSON.parse(text) as Layout;
    this.#layouts.set(field, layout);
    return layout;
  }

  #refusal({ field, stored, wanted }: Conflict, plans: readonly Plan[]): IncompatibleStoreError {
    const { prefix } = this.#keys;
    if (field === 'clock') {
      return new IncompatibleStoreError(
        `the key prefix ${prefix} belongs to the ${stored} clock and cannot be used with the ${wanted} clock; choose another FRESHET_KEY_PREFIX`,
      );
    }
    const view = plans.find((plan) => field.startsWith(featureField(plan.view, '')))?.view;
    const at = view ? `view ${view.name} v${view.version}` : field;
    const name = view ? field.slice(featureField(view, '').length) : field;
    return new IncompatibleStoreError(
      wanted === undefined
        ? `${at}: the feature ${name} is stored under the prefix ${prefix} but no longer defined; keep it, or give the view a new version`
        : `${at}: the feature ${name} is stored as «${stored}» but now defined as «${wanted}»; a new meaning is a new feature, or a new version of the view`,
    );
  }
}

function featureField(view: View, name: string): string {
  return `feature:${view.name}:v${view.version}:${name}`;
}

function layoutField(view: View, hash: string): string {
  return `layout:${view.name}:v${view.version}:${hash}`;
}
