import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLSchema,
  Kind,
  parse,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { beforeExecution } from './before-execution.ts';
import { contractError } from './errors.ts';
import { shortened } from './shorten.ts';

/** How large a query may be, whatever the protocol. Fragments count wherever they are spread. */
export interface QueryLimits {
  /** Words and signs in its text. */
  readonly tokens: number;
  /** Fields within fields. */
  readonly depth: number;
  /** The same below `__schema` and `__type`; the query by which tools learn a schema is 15 deep. */
  readonly introspectionDepth: number;
  /** Fields of an operation itself: each may ask for a thousand entities. */
  readonly rootFields: number;
  readonly aliases: number;
  /** All fields of an operation. */
  readonly fields: number;
  /** Items of lists and fields of objects in its variables, however deep. */
  readonly values: number;
}

export const defaultQueryLimits: QueryLimits = {
  tokens: 15_000,
  depth: 12,
  introspectionDepth: 20,
  rootFields: 50,
  aliases: 100,
  fields: 2_000,
  values: 50_000,
};

/** Of validation: beyond this many, a client knows what it did. One more says that there are others. */
const maxErrors = 20;

/** Refuses queries beyond the limits with `QUERY_TOO_COMPLEX`, before they cost more than to be read. */
export function useQueryLimits(limits: QueryLimits = defaultQueryLimits): Plugin {
  const verdicts = new WeakMap<DocumentNode, readonly GraphQLError[]>();
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string, options?: object) => parseWithin(source, options, limits));
    },
    onValidate({ params: { documentAST }, validateFn, setValidationFn, setResult }) {
      // Before validation, some of whose rules take far longer than linear time.
      const known = verdicts.get(documentAST);
      const verdict = known ?? excesses(documentAST, limits);
      if (!known) verdicts.set(documentAST, verdict);
      if (verdict.length > 0) setResult(verdict);
      setValidationFn((schema: GraphQLSchema, document: DocumentNode, rules?: readonly ValidationRule[]) =>
        withinStack(limits, () =>
          (validateFn(schema, document, rules, { maxErrors }) as readonly GraphQLError[]).map(toldBriefly),
        ),
      );
    },
    ...beforeExecution(({ variableValues }) =>
      holdsTooMuch(variableValues, limits) ? [tooComplex('has too many values in its variables', limits.values)] : [],
    ),
  };
}

/** Whether variables hold more values than they may. */
export function holdsTooMuch(
  variables: object | null | undefined,
  { values }: QueryLimits = defaultQueryLimits,
): boolean {
  return holdsMoreThan(values, variables);
}

/** Whether there is more in a value than so many. Without recursion: JSON may be as deep as it is long. */
function holdsMoreThan(limit: number, value: object | null | undefined): boolean {
  const open: object[] = value ? [value] : [];
  let held = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const inner = Array.isArray(next) ? next : Object.values(next);
    held += inner.length;
    if (held > limit) return true;
    for (const one of inner) if (typeof one === 'object' && one !== null) open.push(one);
  }
  return false;
}

function parseWithin(source: string, options: object | undefined, limits: QueryLimits): DocumentNode {
  try {
    return withinStack(limits, () => parse(source, { ...options, maxTokens: limits.tokens }));
  } catch (error) {
    if (error instanceof Error && /more tha[nt] \d+ tokens/.test(error.message)) {
      throw tooComplex('has too many tokens', limits.tokens);
    }
    throw error;
  }
}

/** GraphQL reads by recursion: values and types that are nested deeply enough exhaust the stack, which harms nobody. */
function withinStack<T>(limits: QueryLimits, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? tooComplex('is nested too deeply to be read', limits.depth) : error;
  }
}

/** GraphQL has limits of its own, 500,000 steps and 2 lists, and names neither; and it repeats names however long. */
function toldBriefly(error: GraphQLError): GraphQLError {
  if (error.message === 'Validation aborted.') {
    return tooComplex('has too many fields of the same name to compare', 500_000);
  }
  if (error.message === 'Maximum introspection depth exceeded') {
    return tooComplex('asks for lists within lists of the schema too deeply', 2);
  }
  return shortened(error);
}

/** What a document exceeds; empty if it is within the limits. Takes time linear in the document's length. */
export function excesses(document: DocumentNode, limits: QueryLimits): readonly GraphQLError[] {
  const sizes = new SizeOfSelections(document, limits);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const size = sizes.of(definition.selectionSet, 0);
    const [excess] = [
      size.depth > limits.depth && tooComplex('is nested too deeply', limits.depth),
      size.introspectionDepth > limits.introspectionDepth &&
        tooComplex('asks for the schema too deeply', limits.introspectionDepth),
      size.breadth > limits.rootFields && tooComplex(`has ${size.breadth} root fields`, limits.rootFields),
      size.aliases > limits.aliases && tooComplex(`has ${size.aliases} aliases`, limits.aliases),
      size.fields > limits.fields && tooComplex(`has ${size.fields} fields`, limits.fields),
    ].filter((one) => one !== false);
    if (excess) return [excess];
  }
  return [];
}

function tooComplex(what: string, limit: number): GraphQLError {
  return contractError('QUERY_TOO_COMPLEX', `The query ${what}: the limit is ${limit}`);
}

interface Size {
  readonly depth: number;
  readonly introspectionDepth: number;
  /** Fields at its own level. */
  readonly breadth: number;
  readonly aliases: number;
  readonly fields: number;
}

const nothing: Size = { depth: 0, introspectionDepth: 0, breadth: 0, aliases: 0, fields: 0 };

/** Measures each fragment once, however often it is spread: spreads within spreads grow exponentially, sums do not. */
class SizeOfSelections {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #measured = new Map<string, Size>();
  readonly #deepest: number;

  constructor(document: DocumentNode, limits: QueryLimits) {
    const fragments = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
    this.#fragments = new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
    this.#deepest = Math.max(limits.depth, limits.introspectionDepth);
  }

  of({ selections }: SelectionSetNode, level: number): Size {
    // Deep enough to be refused: no need to follow, and no stack to spare for it.
    if (level > this.#deepest) return { ...nothing, depth: Number.POSITIVE_INFINITY };
    let sum = nothing;
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) sum = add(sum, this.#ofFragment(selection.name.value));
      else if (selection.kind === Kind.INLINE_FRAGMENT) sum = add(sum, this.of(selection.selectionSet, level + 1));
      else {
        const inner = selection.selectionSet ? this.of(selection.selectionSet, level + 1) : nothing;
        const schema = selection.name.value === '__schema' || selection.name.value === '__type';
        sum = add(sum, {
          depth: schema ? 1 : 1 + inner.depth,
          introspectionDepth: schema ? 1 + inner.depth : inner.introspectionDepth,
          breadth: 1,
          aliases: (selection.alias ? 1 : 0) + inner.aliases,
          fields: 1 + inner.fields,
        });
      }
    }
    return sum;
  }

  #ofFragment(name: string): Size {
    const known = this.#measured.get(name);
    if (known) return known;
    // What is met again while it is measured is a cycle, and what is unknown is a mistake: validation says so.
    this.#measured.set(name, nothing);
    const fragment = this.#fragments.get(name);
    const size = fragment ? this.of(fragment.selectionSet, 0) : nothing;
    this.#measured.set(name, size);
    return size;
  }
}

function add(one: Size, other: Size): Size {
  return {
    depth: Math.max(one.depth, other.depth),
    introspectionDepth: Math.max(one.introspectionDepth, other.introspectionDepth),
    breadth: one.breadth + other.breadth,
    aliases: one.aliases + other.aliases,
    fields: one.fields + other.fields,
  };
}
