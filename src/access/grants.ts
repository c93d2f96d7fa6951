import { type Action, actions, type Grant, parseScope, scopeText } from './scope.ts';

/** As much of a view as decides who may see or feed it. */
export interface GuardedView {
  readonly name: string;
  readonly entity: GuardedEntity;
}

export interface GuardedEntity {
  readonly name: string;
}

/** Of one action, by the names of entities and views: what ids of theirs. */
type Narrowed = ReadonlyMap<string, readonly Grant[]>;

const nothing: Narrowed = new Map();

/** What several scopes allow together: whatever any of them does. What none allows is denied. */
export class Grants {
  /** What nobody was granted. */
  static readonly none = new Grants([]);
  /** All there is to be granted. */
  static readonly all = new Grants([{ action: 'admin', target: null, ids: null }]);

  readonly #whole: ReadonlySet<Action>;
  readonly #narrowed: ReadonlyMap<Action, Narrowed>;
  #text: string | null = null;

  constructor(grants: readonly Grant[]) {
    const whole = new Set(grants.filter(({ target }) => target === null).map(({ action }) => action));
    this.#whole = whole.has('admin') ? new Set(actions) : whole;
    const byAction = Map.groupBy(
      grants.filter(({ action, target }) => target !== null && !this.#whole.has(action)),
      ({ action }) => action,
    );
    this.#narrowed = new Map(
      [...byAction].map(([action, ofAction]) => [action, Map.groupBy(ofAction, ({ target }) => target as string)]),
    );
  }

  /**
   * @param names what scopes may be narrowed to: for another they grant nothing; left out: anything.
   * @throws ScopeError of the first that is none.
   */
  static of(scopes: readonly string[], names?: ReadonlySet<string>): Grants {
    return Grants.among(scopes.map(parseScope), names);
  }

  /** Those that are for something that there is. */
  static among(grants: readonly Grant[], names: ReadonlySet<string> | undefined): Grants {
    return new Grants(names ? grants.filter(({ target }) => target === null || names.has(target)) : grants);
  }

  /** All scopes, in an order of their own: the same text for the same scopes, however often and where each was given. */
  get text(): string {
    this.#text ??= [...new Set([...this.#whole, ...this.#scopesNarrowed()])].sort().join(' ');
    return this.#text;
  }

  /** Whether nothing is allowed. */
  get isEmpty(): boolean {
    return this.#whole.size === 0 && this.#narrowed.size === 0;
  }

  /** Whether the action is allowed whatever it concerns. */
  allowsAll(action: Action): boolean {
    return this.#whole.has(action);
  }

  /** Whether the action is allowed for some id of some of these views; without views, for anything at all. */
  allowsSome(action: Action, views?: readonly GuardedView[]): boolean {
    if (this.#whole.has(action)) return true;
    const narrowed = this.#of(action);
    if (!views) return narrowed.size > 0;
    return views.some(({ name, entity }) => narrowed.has(name) || narrowed.has(entity.name));
  }

  /** Whether the action is allowed for this id of a view: by the view's name, or by its entity's. */
  allows(action: Action, { name, entity }: GuardedView, id: string): boolean {
    if (this.#whole.has(action)) return true;
    const narrowed = this.#of(action);
    return covers(narrowed.get(name), id) || covers(narrowed.get(entity.name), id);
  }

  /** Whether the action is allowed for this id of an entity, whatever the view. */
  allowsEntity(action: Action, { name }: GuardedEntity, id: string): boolean {
    return this.#whole.has(action) || covers(this.#of(action).get(name), id);
  }

  #scopesNarrowed(): readonly string[] {
    return [...this.#narrowed.values()].flatMap((ofAction) => [...ofAction.values()].flat().map(scopeText));
  }

  #of(action: Action): Narrowed {
    return this.#narrowed.get(action) ?? nothing;
  }
}

function covers(grants: readonly Grant[] | undefined, id: string): boolean {
  if (!grants) return false;
  return grants.some(({ ids }) => ids === null || (ids.isPrefix ? id.startsWith(ids.text) : id === ids.text));
}
