import { DefinitionError, type Entity, type Event, type View } from '../define/index.ts';
import { TypeNames } from './type-names.ts';
import type { EntityTypeRef, FreshetBuilder } from './types.ts';

/** What the plugin knows of one builder: its entities' types, its views, and the types it has generated so far. */
export class SchemaRegistry {
  readonly builder: FreshetBuilder;
  readonly #entityTypes = new Map<Entity, EntityTypeRef>();
  readonly #generated = new Map<unknown, Map<unknown, unknown>>();
  readonly #paths = new Map<View, string>();
  readonly #typeNames: TypeNames;
  #views: readonly View[] = [];

  constructor(builder: FreshetBuilder) {
    this.builder = builder;
    this.#typeNames = new TypeNames((name) => builder.configStore.hasImplementation(name));
  }

  /**
   * Remembers the object type that stands for an entity.
   * @throws DefinitionError if it has one, or its name is taken.
   */
  addEntityType(entity: Entity, ref: EntityTypeRef): void {
    if (this.#entityTypes.has(entity)) throw new DefinitionError(`entity ${entity.name}: has two types; keep one`);
    this.#typeNames.ofEntity(entity);
    this.#entityTypes.set(entity, ref);
  }

  /** Whether a type of this name stands for an entity. */
  isEntityType(name: string): boolean {
    for (const entity of this.#entityTypes.keys()) if (entity.name === name) return true;
    return false;
  }

  /** @throws DefinitionError if the entity has none. */
  entityType(entity: Entity): EntityTypeRef {
    const ref = this.#entityTypes.get(entity);
    if (ref) return ref;
    throw new DefinitionError(`entity ${entity.name}: has no type in this schema; add builder.entityType for it`);
  }

  /** The views of the schema that is being built. Known only then, so whatever depends on them is made lazily. */
  get views(): readonly View[] {
    return this.#views;
  }

  /** @throws DefinitionError if one is there twice, or a type's name that follows from them is taken. */
  setViews(views: readonly View[]): void {
    const twice = views.find((view, place) => views.indexOf(view) !== place);
    if (twice) throw new DefinitionError(`view ${twice.name} v${twice.version}: is listed twice; keep one`);
    for (const { event } of views) this.#typeNames.ofEvent(event);
    for (const view of views) this.#typeNames.ofView(view);
    this.#views = views;
  }

  /** The views of an entity. */
  viewsFor(entity: Entity): readonly View[] {
    return this.#views.filter((view) => view.entity === entity);
  }

  /** The views that an event feeds. */
  viewsOf(event: Event): readonly View[] {
    return this.#views.filter((view) => view.event === event);
  }

  /** Remembers where a view is served; of several fields the first. */
  addPath(view: View, path: string): void {
    if (!this.#paths.has(view)) this.#paths.set(view, path);
  }

  /** Where a view is served, such as `User.riskProfile`. */
  pathOf(view: View): string | undefined {
    return this.#paths.get(view);
  }

  /** The views that fields of the schema serve. */
  get servedViews(): readonly View[] {
    return [...this.#paths.keys()];
  }

  /** The type that `make` generates for a subject; made once. */
  generated<Subject, Ref>(make: (registry: SchemaRegistry, subject: Subject) => Ref, subject: Subject): Ref {
    const bySubject = this.#generated.get(make) ?? new Map<unknown, unknown>();
    this.#generated.set(make, bySubject);
    if (!bySubject.has(subject)) bySubject.set(subject, make(this, subject));
    return bySubject.get(subject) as Ref;
  }
}

const registries = new WeakMap<object, SchemaRegistry>();

/** The registry of a builder, whatever its own types: they extend what the plugin asks for. */
export function registryOf(builder: object): SchemaRegistry {
  const known = registries.get(builder);
  if (known) return known;
  const registry = new SchemaRegistry(builder as FreshetBuilder);
  registries.set(builder, registry);
  return registry;
}
