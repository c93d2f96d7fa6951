import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { View } from '../../define/index.ts';
import { ownWorkOf } from '../own-resolvers.ts';
import type { EntityRef } from '../types.ts';
import { type FieldArguments, fieldArguments } from './field-arguments.ts';
import { featureText, leafText } from './leaf-text.ts';
import { NotCompilableError } from './not-compilable.ts';
import type { Run } from './run.ts';
import { type SelectedOperation, selectedFields } from './selected-fields.ts';
import { unwritable } from './unwritable.ts';
import type { Variables } from './variables.ts';
import { ReadyVector, type VectorSource } from './vector-source.ts';

/** How a value is written, and what has to be read before it can be. */
export interface Written {
  /** The value as JSON. @throws UnwritableError and whatever resolvers throw */
  readonly text: (value: unknown, run: Run) => string;
  /** Tells the run which vectors are wanted; null where none ever is. */
  readonly gather: ((value: unknown, run: Run) => void) | null;
}

/** Compiles the selections of one operation. */
export class SelectionCompiler {
  readonly #selected: SelectedOperation;
  /** Fields that are given arguments. */
  readonly #withArguments: FieldArguments[] = [];

  constructor(selected: SelectedOperation) {
    this.#selected = selected;
  }

  /** Arguments of all fields that are given some, for a run. @throws GraphQLError */
  argumentsOf(variables: Variables): object[] {
    return this.#withArguments.map((argumentsOf) => argumentsOf(variables));
  }

  /** Where the arguments of a field will stand among those of a run. */
  noteArguments(field: GraphQLField<unknown, unknown>, node: FieldNode): number {
    return this.#withArguments.push(fieldArguments(field, node)) - 1;
  }

  /** How values of a type are written, null among them. */
  complete(type: GraphQLOutputType, nodes: readonly FieldNode[]): Written {
    if (isNonNullType(type))
      return this.#completeSome(type.ofType, nodes, () => unwritable('null where there is none'));
    return this.#completeSome(type, nodes, () => 'null');
  }

  #completeSome(type: GraphQLOutputType, nodes: readonly FieldNode[], none: () => string): Written {
    const some = this.#some(type, nodes);
    const { text, gather } = some;
    return {
      text: (value, run) => (value === null || value === undefined ? none() : text(value, run)),
      gather: gather && ((value, run) => value !== null && value !== undefined && gather(value, run)),
    };
  }

  #some(type: GraphQLOutputType, nodes: readonly FieldNode[]): Written {
    if (isLeafType(type)) return { text: leafText(type), gather: null };
    if (isListType(type)) return this.#list(this.complete(type.ofType, nodes));
    if (!isObjectType(type)) throw new NotCompilableError(`${type} may be of several types`);
    return this.#object(type, nodes, (field, fieldNodes) => this.#field(field, fieldNodes));
  }

  #list({ text, gather }: Written): Written {
    return {
      text: (values, run) => {
        if (!Array.isArray(values)) return unwritable('a list that is none');
        let all = '';
        for (let i = 0; i < values.length; i++) all += i === 0 ? text(values[i], run) : `,${text(values[i], run)}`;
        return `[${all}]`;
      },
      gather:
        gather &&
        ((values, run) => {
          for (const value of values as readonly unknown[]) gather(value, run);
        }),
    };
  }

  #object(
    type: GraphQLObjectType,
    nodes: readonly FieldNode[],
    compile: (field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[]) => Written,
  ): Written {
    if (type.isTypeOf) throw new NotCompilableError(`${type.name} looks at what it is given`);
    const selectionSets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const heads: string[] = [];
    const texts: Written['text'][] = [];
    const gathers: NonNullable<Written['gather']>[] = [];
    for (const [name, fieldNodes] of selectedFields(this.#selected, type, selectionSets)) {
      const head = `${heads.length === 0 ? '{' : ','}"${name}":`;
      const fieldName = fieldNodes[0]?.name.value ?? '';
      const field = type.getFields()[fieldName];
      const { text, gather } = field ? compile(field, fieldNodes) : nameOf(type, fieldName);
      heads.push(head);
      texts.push(text);
      if (gather) gathers.push(gather);
    }
    return {
      text: (parent, run) => {
        let all = '';
        for (let i = 0; i < texts.length; i++) all += (heads[i] as string) + (texts[i] as Written['text'])(parent, run);
        return all === '' ? '{}' : `${all}}`;
      },
      gather:
        gathers.length === 0
          ? null
          : (parent, run) => {
              for (const gather of gathers) gather(parent, run);
            },
    };
  }

  /** A field of an object that stands for itself. */
  #field(field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[]): Written {
    const work = ownWorkOf(field);
    if (work?.kind === 'view') return this.#view(work.view, field, nodes);
    const resolve = this.#resolver(field, nodes);
    const { text, gather } = this.complete(field.type, nodes);
    return {
      text: (parent, run) => text(resolve(parent, run), run),
      gather: gather && ((parent, run) => gather(resolve(parent, run), run)),
    };
  }

  /** What a field answers of its parent. */
  #resolver(
    field: GraphQLField<unknown, unknown>,
    nodes: readonly FieldNode[],
  ): (parent: unknown, run: Run) => unknown {
    const { resolve } = field;
    if (ownWorkOf(field)?.kind !== 'pure' || !resolve) throw new NotCompilableError(`${field.name} may do anything`);
    const call = resolve as (parent: unknown, args?: object) => unknown;
    if (field.args.length === 0) return (parent) => call(parent);
    const place = this.noteArguments(field, nodes[0] as FieldNode);
    return (parent, run) => call(parent, run.args[place]);
  }

  /** The vector of an entity: what came with it, or else what is read. */
  #view(view: View, field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[]): Written {
    if (nodes.some((node) => (node.arguments?.length ?? 0) > 0)) {
      throw new NotCompilableError(`${field.name} is asked for another moment`);
    }
    const type = field.type;
    if (!isObjectType(type)) throw new NotCompilableError(`${field.name} is of another type`);
    const { text, gather } = this.#object(type, nodes, (feature, featureNodes) => this.#feature(feature, featureNodes));
    if (gather) throw new NotCompilableError('a vector that leads to others');
    return {
      text: (entity, run) => {
        const vector = (entity as EntityRef).vectors?.get(view);
        return text(vector ? new ReadyVector(vector) : run.take(view), run);
      },
      gather: (entity, run) => {
        const { id, vectors, failures } = entity as EntityRef;
        run.assertMayShow(view, id);
        if (vectors?.has(view)) return;
        if (failures?.has(view)) unwritable('a vector that cannot be had');
        run.want(view, id);
      },
    };
  }

  /** A field of a vector: its parent is a VectorSource. */
  #feature(field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[]): Written {
    const work = ownWorkOf(field);
    if (work?.kind === 'feature') {
      const { position } = work;
      const text = featureText(work.output);
      return {
        text: (source) => text((source as VectorSource).values[(source as VectorSource).at + position] as number),
        gather: null,
      };
    }
    const { text, gather } = this.#field(field, nodes);
    if (gather) throw new NotCompilableError('a vector that leads to others');
    return { text: (source, run) => text((source as VectorSource).vector, run), gather: null };
  }
}

function nameOf(type: GraphQLObjectType, fieldName: string): Written {
  if (fieldName !== '__typename') throw new NotCompilableError(`${fieldName} is about the schema`);
  return { text: () => `"${type.name}"`, gather: null };
}
