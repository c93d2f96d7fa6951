import { DefinitionError, type Entity, type Event, type View } from '../define/index.ts';
import { labelOf } from '../engine/index.ts';
import { plural } from './plural.ts';

/** Types that every schema has, or gets as soon as a field of the plugin refers to them. */
const sharedNames: ReadonlySet<string> = new Set([
  ...['Query', 'Mutation', 'Subscription'],
  ...['ID', 'Int', 'Float', 'String', 'Boolean', 'DateTime'],
  ...[
    'Feature',
    'FeatureAccuracy',
    'FeatureView',
    'Freshness',
    'AccuracyMethod',
    'RecordStatus',
    'UpdateCause',
    'KnownRevisionInput',
  ],
  ...['LabelStatus', 'LabelledView', 'RetractStatus', 'RetractedView', 'ForgetReceipt', 'ForgetStatus'],
]);

/** Which definition gives a type its name, for an error that says so before Pothos meets the second one. */
export class TypeNames {
  readonly #givers = new Map<string, { readonly definition: object; readonly label: string }>();
  readonly #hasType: (name: string) => boolean;

  /** @param hasType tells whether the schema has a type of this name, such as one of the team's own. */
  constructor(hasType: (name: string) => boolean) {
    this.#hasType = hasType;
  }

  /** @throws DefinitionError if its name is taken. */
  ofEntity(entity: Entity): void {
    this.#take(entity, `entity ${entity.name}`, [entity.name]);
  }

  /** @throws DefinitionError if a name that follows from it is taken. */
  ofEvent(event: Event): void {
    const { name } = event;
    const given = [`${name}Input`, `Record${name}Payload`, `Record${name}Result`, `Record${plural(name)}Payload`];
    const labelled = labelOf(event) === undefined ? [] : [`Label${name}Input`, `Label${name}Payload`];
    const retracted = [`Retract${name}Input`, `Retract${name}Payload`];
    this.#take(event, `event ${name}`, [...given, ...labelled, ...retracted]);
  }

  /** @throws DefinitionError if a name that follows from it is taken. */
  ofView(view: View): void {
    const { name, version, typeName } = view;
    this.#take(view, `view ${name} v${version}`, [typeName, `${typeName}Feature`, `${typeName}Update`]);
  }

  #take(definition: object, label: string, names: readonly string[]): void {
    for (const name of names) {
      const giver = this.#givers.get(name);
      if (giver?.definition === definition) continue;
      if (giver)
        throw new DefinitionError(
          `${label}: gives the type ${name}, and so does ${giver.label}; rename one, or leave it out`,
        );
      if (sharedNames.has(name) || this.#hasType(name)) {
        throw new DefinitionError(`${label}: gives the type ${name}, which the schema has already; rename it`);
      }
      this.#givers.set(name, { definition, label });
    }
  }
}
