import type { Entity, View } from '../define/index.ts';
import { featureSignature } from '../define/index.ts';
import type { Servers, ValkeyServer } from '../valkey/index.ts';
import type { KeyedView, KeyNames } from './keys.ts';
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

/** A view that was ever enrolled, and what more its keys are named by. */
export interface EnrolledView extends KeyedView {
  /** Names of its sets of last-seen times, in any of its layouts. */
  readonly seen: readonly string[];
}

/** A feature that a view had when it was last enrolled. */
export interface EnrolledFeature {
  readonly view: View;
  readonly name: string;
}

/**
 * What a key prefix is committed to: its clock, each feature ever loaded with what it means and since when, of which entity
 * each view is, and each layout that a log may have. One hash; every entry is written once and never changed, but
 * for features that are withdrawn, and moments that a backfill puts earlier.
 */
export class PrefixRegistry {
  readonly #servers: Servers;
  readonly #keys: KeyNames;
  readonly #layouts = new Map<string, Layout>();

  constructor(servers: Servers, keys: KeyNames) {
    this.#servers = servers;
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
    const entities = plans.map(({ view }) => [entityField(view.entity, view), '']);
    const fixed = { clock, ...Object.fromEntries([...layouts, ...entities]) };
    const wanted = { fixed, features: Object.fromEntries(features) };
    const reply = await call(this.#keys.registry, JSON.stringify(wanted));
    const enrolment = JSON.parse(reply.toString()) as Enrolment;
    if ('conflict' in enrolment) throw this.#refusal(enrolment.conflict, plans);
    return sinceOf(
      plans.map(({ view }) => view),
      enrolment.stored,
    );
  }

  /**
   * What the prefix is committed to already, of which it changes nothing: its clock, and for each view, when its newest feature
   * was first loaded (NaN: not all of them were). Null where nothing was ever enrolled.
   * @throws UnavailableError
   */
  async look(views: readonly View[]): Promise<{ readonly clock: Clock; readonly since: Map<View, EpochMs> } | null> {
    const stored = await this.#all();
    if (stored.clock === undefined) return null;
    return { clock: stored.clock === 'event' ? 'event' : 'wall', since: sinceOf(views, stored) };
  }

  /**
   * The layout behind a hash that a log bears; null when nobody enrolled it.
   * @throws UnavailableError
   */
  async layout(view: View, hash: string): Promise<Layout | null> {
    const field = layoutField(view, hash);
    const known = this.#layouts.get(field);
    if (known) return known;
    const text = await this.#ask((valkey, key) => valkey.hget(key, field));
    if (text === null) return null;
    const layout = JSON.parse(text) as Layout;
    this.#layouts.set(field, layout);
    return layout;
  }

  /**
   * All views of an entity that were ever enrolled under the prefix. Not known are those that were last enrolled before their
   * entity was noted, or when it had another name.
   * @throws UnavailableError
   */
  async viewsOf(entity: Entity): Promise<EnrolledView[]> {
    const entries = Object.entries(await this.#all());
    const start = entityField(entity, null);
    return entries.flatMap(([field]) => {
      const [, name, version] = field.startsWith(start) ? (/^(\w+):v(\d+)$/.exec(field.slice(start.length)) ?? []) : [];
      if (name === undefined) return [];
      const view = { name, version: Number(version) };
      const layouts = entries.filter(([other]) => other.startsWith(layoutField(view, '')));
      const seen = layouts.flatMap(([, text]) => (JSON.parse(text) as Layout).seen.map((set) => set.name));
      return [{ ...view, seen: [...new Set(seen)] }];
    });
  }

  /**
   * Features that are enrolled for views of these names and versions, but that these definitions do not have: what keeps them
   * from starting.
   * @throws UnavailableError
   */
  async beyond(views: readonly View[]): Promise<EnrolledFeature[]> {
    const fields = Object.keys(await this.#all());
    return views.flatMap((view) => {
      const [start, defined] = [featureField(view, ''), new Set(view.features.map(({ name }) => name))];
      const names = fields.filter((field) => field.startsWith(start)).map((field) => field.slice(start.length));
      return names.filter((name) => !defined.has(name)).map((name) => ({ view, name }));
    });
  }

  /**
   * Forgets that these features were ever enrolled: the one way back from a definition that has grown. What logs hold of them
   * goes when they are next touched.
   * @throws UnavailableError
   */
  async withdraw(features: readonly EnrolledFeature[]): Promise<void> {
    const fields = features.map(({ view, name }) => featureField(view, name));
    if (fields.length === 0) return;
    const all = fields.flatMap((field) => [field, `since:${field}`]);
    await this.#ask((valkey, key) => valkey.hdel(key, ...all));
  }

  /**
   * Notes that a view's features are complete since an earlier moment than they were first loaded at: a backfill says so. Engines
   * that are opened from now on say it of entities of which nothing is stored, and of what begins; what is stored says it itself.
   * @throws UnavailableError
   */
  async backdate(view: View, since: EpochMs): Promise<void> {
    const fields = view.features.map(({ name }) => `since:${featureField(view, name)}`);
    const stored = await this.#ask((valkey, key) => valkey.hmget(key, ...fields));
    const later = fields.filter((_, i) => Number(stored[i]) > since);
    if (later.length === 0) return;
    const entries = Object.fromEntries(later.map((field) => [field, since]));
    await this.#ask((valkey, key) => valkey.hset(key, entries));
  }

  /**
   * Whether any of these features of a view is enrolled.
   * @throws UnavailableError
   */
  async hasAny(view: View, names: readonly string[]): Promise<boolean> {
    if (names.length === 0) return false;
    const fields = names.map((name) => featureField(view, name));
    const stored = await this.#ask((valkey, key) => valkey.hmget(key, ...fields));
    return stored.some((signature) => signature !== null);
  }

  #all(): Promise<{ readonly [field: string]: string }> {
    return this.#ask((valkey, key) => valkey.hgetall(key));
  }

  /** @throws UnavailableError */
  #ask<T>(work: (valkey: ValkeyServer['valkey'], key: string) => Promise<T>): Promise<T> {
    const key = this.#keys.registry;
    return orUnavailable(() => this.#servers.ask(key, ({ valkey }) => work(valkey, key)));
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
        ? `${at}: the feature ${name} is stored under the prefix ${prefix} but no longer defined; keep it, or give the view a new version; or, to go back from the definitions that brought it, run npm run withdraw`
        : `${at}: the feature ${name} is stored as «${stored}» but now defined as «${wanted}»; a new meaning is a new feature, or a new version of the view`,
    );
  }
}

function sinceOf(views: readonly View[], stored: { readonly [field: string]: string }): Map<View, EpochMs> {
  return new Map(
    views.map((view) => [
      view,
      Math.max(...view.features.map(({ name }) => Number(stored[`since:${featureField(view, name)}`]))),
    ]),
  );
}

function featureField(view: KeyedView, name: string): string {
  return `feature:${versioned(view)}:${name}`;
}

function layoutField(view: KeyedView, hash: string): string {
  return `layout:${versioned(view)}:${hash}`;
}

/** @param view null for the start of such a field, whatever the view. */
function entityField({ name }: Entity, view: KeyedView | null): string {
  return `entity:${name}:${view ? versioned(view) : ''}`;
}

function versioned({ name, version }: KeyedView): string {
  return `${name}:v${version}`;
}
