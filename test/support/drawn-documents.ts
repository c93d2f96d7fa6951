import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getNamedType,
  getNullableType,
  isNonNullType,
  isObjectType,
  type OperationTypeNode,
} from 'graphql';
import type { Draw } from './draw.ts';
import { fitting, literal, type Pools, Word } from './drawn-values.ts';

export interface DrawnVariable {
  readonly name: string;
  readonly type: GraphQLInputType;
  readonly hasDefault: boolean;
}

/** One operation of a document, with its fragments. */
export interface DrawnOperation {
  readonly name: string | null;
  readonly text: string;
  readonly variables: readonly DrawnVariable[];
  /** Whether a compiled operation can do all of it; null: that depends on its variables. */
  readonly isCompilable: boolean | null;
}

/** What operations are drawn from. */
export interface Grammar {
  readonly schema: GraphQLSchema;
  readonly pools: Pools;
  /** Whether a compiled operation can do it. */
  readonly compilable: (type: string, field: string) => boolean;
}

const strangeNames = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', '_'];
/** More of them make an operation one for the reference. */
const mostConditions = 3;

/** Draws an operation: fields, aliases, fragments, conditions, and arguments with and without variables. */
export function drawnOperation(draw: Draw, grammar: Grammar, kind: `${OperationTypeNode}`, name: string | null) {
  return new OperationDrawer(draw, grammar, name ?? '').operation(kind, name);
}

class OperationDrawer {
  readonly #draw: Draw;
  readonly #grammar: Grammar;
  readonly #prefix: string;
  readonly #variables: DrawnVariable[] = [];
  readonly #definitions: string[] = [];
  readonly #fragments: string[] = [];
  #aliases = 0;
  #conditions = 0;
  /** Within how many parts that may be left out this is. */
  #within = 0;
  #isCompilable: boolean | null = true;

  constructor(draw: Draw, grammar: Grammar, prefix: string) {
    this.#draw = draw;
    this.#grammar = grammar;
    this.#prefix = prefix;
  }

  operation(kind: `${OperationTypeNode}`, name: string | null): DrawnOperation {
    const root = this.#grammar.schema.getRootType(kind as OperationTypeNode) as GraphQLObjectType;
    const selection = this.#selection(root, 0);
    const definitions = this.#definitions.length > 0 ? `(${this.#definitions.join(', ')})` : '';
    const head = kind === 'query' && !name && definitions === '' ? '' : `${kind} ${name ?? ''}${definitions} `;
    return {
      name,
      text: [head + selection, ...this.#fragments].join('\n'),
      variables: this.#variables,
      isCompilable: this.#isCompilable,
    };
  }

  #selection(type: GraphQLObjectType, depth: number): string {
    const draw = this.#draw;
    const parts: string[] = [];
    for (const part of draw.some(depth === 0 ? 2 : 4, () => this.#part(type, depth))) {
      parts.push(part);
      if (draw.chance(6)) parts.push(part);
    }
    return `{ ${parts.join(' ')} }`;
  }

  /** A field, or some in a fragment. */
  #part(type: GraphQLObjectType, depth: number): string {
    const draw = this.#draw;
    if (!draw.chance(12)) return this.#field(type, depth);
    return this.#conditionally((condition) => {
      const selection = `{ ${draw.some(3, () => this.#field(type, depth)).join(' ')} }`;
      if (draw.chance(40)) return `...${draw.chance(60) ? ` on ${type.name}` : ''}${condition} ${selection}`;
      const name = `${this.#prefix}F${this.#fragments.length}`;
      this.#fragments.push(`fragment ${name} on ${type.name} ${selection}`);
      return `...${name}${condition}`;
    }, 25);
  }

  #field(type: GraphQLObjectType, depth: number): string {
    const draw = this.#draw;
    return this.#conditionally((condition) => {
      const name = this.#aliased();
      if (draw.chance(depth === 0 ? 2 : 6)) {
        if (depth === 0) this.#meetsUncompilable();
        return `${name}__typename${condition}`;
      }
      const field = this.#choose(type);
      const args = this.#args(field);
      const inner = getNamedType(field.type);
      const selection = isObjectType(inner) ? ` ${this.#selection(inner, depth + 1)}` : '';
      return `${name}${field.name}${args}${condition}${selection}`;
    }, 8);
  }

  /** Mostly one that can be compiled. */
  #choose(type: GraphQLObjectType): GraphQLField<unknown, unknown> {
    const draw = this.#draw;
    const fields = Object.values(type.getFields());
    const compilable = fields.filter(({ name }) => this.#grammar.compilable(type.name, name));
    const others = fields.filter((field) => !compilable.includes(field));
    if (others.length === 0 || (compilable.length > 0 && !draw.chance(2))) return draw.one(compilable);
    this.#meetsUncompilable();
    return draw.one(others);
  }

  #meetsUncompilable(): void {
    if (this.#within === 0) this.#isCompilable = false;
    else this.#isCompilable &&= null;
  }

  #aliased(): string {
    const draw = this.#draw;
    if (draw.chance(50)) return '';
    return draw.chance(10) ? `${draw.one(strangeNames)}: ` : `a${this.#aliases++}: `;
  }

  #conditionally(make: (condition: string) => string, percent: number): string {
    const draw = this.#draw;
    if (!draw.chance(percent)) return make('');
    const isVariable = this.#conditions < mostConditions && draw.chance(60);
    this.#conditions += isVariable ? 1 : 0;
    const given = isVariable ? this.#condition() : String(draw.chance(50));
    this.#within++;
    const text = make(` @${draw.one(['skip', 'include'])}(if: ${given})`);
    this.#within--;
    return text;
  }

  #condition(): string {
    return this.#variable(GraphQLSkipDirective.args[0]?.type as GraphQLInputType).text;
  }

  #args(field: GraphQLField<unknown, unknown>): string {
    const draw = this.#draw;
    const given = field.args.filter(
      (arg) => (isNonNullType(arg.type) && arg.defaultValue === undefined) || draw.chance(arg.name === 'asOf' ? 2 : 30),
    );
    if (given.length === 0) return '';
    if (given.some(({ name }) => name === 'asOf')) this.#meetsUncompilable();
    const texts = given.map(({ name, type: of }) => {
      if (draw.chance(55)) return `${name}: ${this.#variable(of).text}`;
      const value = fitting(draw, of, this.#grammar.pools, (inner) => (draw.chance(15) ? this.#variable(inner) : null));
      return `${name}: ${literal(value)}`;
    });
    return `(${texts.join(', ')})`;
  }

  /** One that may stand where a value of this type is wanted. */
  #variable(wanted: GraphQLInputType): Word {
    const draw = this.#draw;
    const same = this.#variables.filter(({ type }) => String(type) === String(wanted));
    if (same.length > 0 && draw.chance(30)) return new Word(`$${draw.one(same).name}`);
    const strange = draw.chance(4) ? draw.one(strangeNames) : null;
    const isFree = strange && this.#variables.every((known) => known.name !== strange);
    const name = isFree ? strange : `v${this.#variables.length}`;
    if (name === '__proto__') this.#isCompilable = null;
    const hasDefault = draw.chance(20);
    // Where a default is, the variable of a place that takes no null may be one that does.
    const type = hasDefault && draw.chance(50) ? (getNullableType(wanted) as GraphQLInputType) : wanted;
    const byDefault = hasDefault ? ` = ${literal(fitting(draw, wanted, this.#grammar.pools))}` : '';
    this.#variables.push({ name, type, hasDefault });
    this.#definitions.push(`$${name}: ${type}${byDefault}`);
    return new Word(`$${name}`);
  }
}
