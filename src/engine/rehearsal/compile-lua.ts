import {
  type AssignmentStatement,
  type CallExpression,
  type Expression,
  type ForGenericStatement,
  type ForNumericStatement,
  type FunctionDeclaration,
  type LocalStatement,
  type LogicalExpression,
  parse,
  type ReturnStatement,
  type Statement,
  type StringCallExpression,
  type TableCallExpression,
  type TableConstructorExpression,
} from 'luaparse';
import { type LuaLibrary, luaLibrary } from './lua-library.ts';
import { type LuaFunction, LuaNames } from './lua-names.ts';

/**
 * Writes a chunk of Lua as the body of a JavaScript function that takes Lua's own functions as `lua` (see lua-library.ts). It knows
 * what the engine's text needs: Lua 5.1 without metatables, methods, coroutines, goto and global names; a function that is kept
 * in a table under a computed name gives one value.
 */
export function compileLua(text: string): string {
  return new Compiler(text).compile();
}

type Call = CallExpression | StringCallExpression | TableCallExpression;

const comparisons: ReadonlySet<string> = new Set(['==', '~=', '<', '<=', '>', '>=']);

const mayBeTable: ReadonlySet<string> = new Set([
  'Identifier',
  'MemberExpression',
  'IndexExpression',
  'CallExpression',
]);

const library = luaLibrary(
  () => undefined,
  () => Buffer.alloc(0),
  () => {},
);

class Compiler {
  readonly #body: Statement[];
  readonly #names: LuaNames;
  readonly #within: LuaFunction[] = [];
  /** Names for values in between, of each function that is being written. */
  readonly #between: string[][] = [];

  constructor(text: string) {
    const chunk = parse(text, { luaVersion: '5.1', encodingMode: 'pseudo-latin1', comments: false, ranges: true });
    this.#body = chunk.body;
    this.#names = new LuaNames(chunk, text);
  }

  compile(): string {
    return `'use strict';\n${this.#withNamesBetween(() => this.#statements(this.#body))}`;
  }

  #withNamesBetween(write: () => string): string {
    this.#between.push([]);
    const text = write();
    const names = this.#between.pop() ?? [];
    return names.length > 0 ? `let ${names.join(', ')};\n${text}` : text;
  }

  #statements(statements: readonly Statement[]): string {
    return statements.map((statement) => this.#statement(statement)).join('\n');
  }

  #statement(statement: Statement): string {
    switch (statement.type) {
      case 'LocalStatement':
        return this.#local(statement);
      case 'AssignmentStatement':
        return this.#assignment(statement);
      case 'CallStatement':
        return `${this.#call(statement.expression)};`;
      case 'FunctionDeclaration':
        return `${statement.isLocal ? 'let ' : ''}${this.#value(statement.identifier as Expression)} = ${this.#function(statement)};`;
      case 'ReturnStatement':
        return this.#return(statement);
      case 'IfStatement':
        return statement.clauses
          .map((clause) => {
            const body = `{\n${this.#statements(clause.body)}\n}`;
            return clause.type === 'ElseClause' ? body : `if (${this.#condition(clause.condition)}) ${body}`;
          })
          .join(' else ');
      case 'WhileStatement':
        return `while (${this.#condition(statement.condition)}) {\n${this.#statements(statement.body)}\n}`;
      case 'RepeatStatement':
        return `for (;;) {\n${this.#statements(statement.body)}\nif (${this.#condition(statement.condition)}) break;\n}`;
      case 'DoStatement':
        return `{\n${this.#statements(statement.body)}\n}`;
      case 'ForNumericStatement':
        return this.#count(statement);
      case 'ForGenericStatement':
        return this.#each(statement);
      case 'BreakStatement':
        return 'break;';
      default:
        throw new Error(`a ${statement.type} is not known here`);
    }
  }

  #local({ variables, init }: LocalStatement): string {
    const names = variables.map((variable) => this.#value(variable));
    const last = init.at(-1);
    if (!last || init.length >= names.length || !this.#names.hasSeveral(last)) {
      const extra = init.slice(names.length).map((value) => `${this.#value(value)};`);
      return [
        ...names.map((name, i) => (init[i] ? `let ${name} = ${this.#value(init[i])};` : `let ${name};`)),
        ...extra,
      ].join(' ');
    }
    const single = init.slice(0, -1).map((value, i) => `let ${names[i]} = ${this.#value(value)};`);
    const all = this.#names.fresh();
    const rest = names.slice(init.length - 1).map((name, i) => `${name} = ${all}[${i}]`);
    return [...single, `const ${all} = ${this.#several(last)};`, `let ${rest.join(', ')};`].join(' ');
  }

  /** Something of Lua's own. */
  #known(name: string, member?: string): string {
    const own = library[name];
    const isKnown = member === undefined ? own !== undefined : (own as LuaLibrary | undefined)?.[member] !== undefined;
    const whole = member === undefined ? name : `${name}.${member}`;
    if (!isKnown) throw new Error(`${whole} is not known here`);
    return `lua.${whole}`;
  }

  /** All values are known before any is set. */
  #assignment({ variables, init }: AssignmentStatement): string {
    const globals = variables.filter((one) => one.type === 'Identifier' && !this.#names.of(one));
    if (globals.length > 0) throw new Error('a global name is not set here');
    const targets = variables.map((variable) => this.#value(variable));
    if (targets.length === 1) return `${targets[0]} = ${this.#value(init[0] as Expression)};`;
    const last = init.at(-1) as Expression;
    const isSpread = init.length < targets.length && this.#names.hasSeveral(last);
    const values = (isSpread ? init.slice(0, -1) : init).map((value) => ({ name: this.#names.fresh(), value }));
    const lines = values.map(({ name, value }) => `const ${name} = ${this.#value(value)};`);
    const all = this.#names.fresh();
    if (isSpread) lines.push(`const ${all} = ${this.#several(last)};`);
    const sets = targets.map((target, i) => {
      const rest = isSpread ? `${all}[${i - values.length}]` : 'undefined';
      return `${target} = ${values[i]?.name ?? rest};`;
    });
    // Places first: Lua finds them by what names were before.
    const isName = (i: number) => variables[i]?.type === 'Identifier';
    lines.push(...sets.filter((_, i) => !isName(i)), ...sets.filter((_, i) => isName(i)));
    return `{ ${lines.join(' ')} }`;
  }

  #return({ arguments: values }: ReturnStatement): string {
    const [first, ...others] = values;
    if (!this.#within.at(-1)?.givesSeveral) return first ? `return ${this.#value(first)};` : 'return;';
    if (first && others.length === 0 && this.#names.hasSeveral(first)) return `return ${this.#several(first)};`;
    return `return [${this.#list(values)}];`;
  }

  #count({ variable, start, end, step, body }: ForNumericStatement): string {
    const [at, last] = [this.#names.fresh(), this.#names.fresh()];
    const by = this.#names.fresh();
    const isUp = !step || step.type === 'NumericLiteral';
    const goesOn = isUp ? `${at} <= ${last}` : `(${by} > 0 ? ${at} <= ${last} : ${at} >= ${last})`;
    return [
      `for (let ${at} = ${this.#value(start)}, ${last} = ${this.#value(end)}, ${by} = ${step ? this.#value(step) : 1}; ${goesOn}; ${at} += ${by}) {`,
      `let ${this.#value(variable)} = ${at};`,
      this.#statements(body),
      '}',
    ].join('\n');
  }

  #each({ variables, iterators, body }: ForGenericStatement): string {
    const [iterator] = iterators;
    if (iterator?.type !== 'CallExpression' || iterator.base.type !== 'Identifier')
      throw new Error('not pairs or ipairs');
    const table = this.#value(iterator.arguments[0] as Expression);
    const [key, item = this.#names.fresh()] = variables.map((variable) => this.#value(variable));
    const [all, at] = [this.#names.fresh(), this.#names.fresh()];
    if (iterator.base.name === 'pairs') {
      return [
        `const ${all} = ${table};`,
        `for (const ${at} in ${all}) {`,
        `let ${key} = lua.named(${at}), ${item} = ${all}[${at}];`,
        `if (${item} === undefined) continue;`,
        this.#statements(body),
        '}',
      ].join('\n');
    }
    return [
      `for (let ${all} = ${table}, ${at} = 1; ${all}[${at}] !== undefined; ${at}++) {`,
      `let ${key} = ${at}, ${item} = ${all}[${at}];`,
      this.#statements(body),
      '}',
    ].join('\n');
  }

  #function(node: FunctionDeclaration): string {
    const work = this.#names.functionOf(node);
    const parameters = node.parameters.map((one) => (one.type === 'Identifier' ? this.#value(one) : '...more'));
    this.#within.push(work);
    const body = this.#withNamesBetween(() => this.#statements(node.body));
    this.#within.pop();
    const endsByReturn = node.body.at(-1)?.type === 'ReturnStatement';
    return `function (${parameters.join(', ')}) {\n${body}${work.givesSeveral && !endsByReturn ? '\nreturn [];' : ''}\n}`;
  }

  /** The last of a list has all its values. */
  #list(values: readonly Expression[]): string {
    return values
      .map((value, i) =>
        i === values.length - 1 && this.#names.hasSeveral(value) ? `...${this.#several(value)}` : this.#value(value),
      )
      .join(', ');
  }

  #several(expression: Expression): string {
    return expression.type === 'VarargLiteral' ? 'more' : this.#call(expression as Call);
  }

  #call(call: Call): string {
    if (call.type === 'StringCallExpression') return `${this.#value(call.base)}(${this.#value(call.argument)})`;
    if (call.type === 'TableCallExpression') return `${this.#value(call.base)}(${this.#value(call.arguments)})`;
    const callee = this.#value(call.base);
    return `${call.base.type === 'FunctionDeclaration' ? `(${callee})` : callee}(${this.#list(call.arguments)})`;
  }

  /** What is called often has a way of its own to give one value, or to take or give a table of them (see lua-library.ts). */
  #firstOf(call: CallExpression): string {
    const name = this.#ownNameOf(call);
    const [first, second] = call.arguments;
    if (name === 'string.find') return `lua.place(${this.#list(call.arguments)})`;
    if (name === 'struct.pack' && call.arguments.length === 2 && this.#ownNameOf(second) === 'unpack') {
      return `lua.packTable(${this.#value(first as Expression)}, ${this.#list((second as CallExpression).arguments)})`;
    }
    if (name === 'tonumber' && this.#ownNameOf(first) === 'string.format') {
      const [how, value] = (first as CallExpression).arguments;
      const digits = how?.type === 'StringLiteral' && /^%\.(\d+)g$/.exec(how.value)?.[1];
      if (digits) return `Number((${this.#value(value as Expression)}).toPrecision(${digits}))`;
    }
    return this.#names.givesSeveral(call) ? `${this.#call(call)}[0]` : this.#call(call);
  }

  /** Such as `string.find`, of a call of something of Lua's own. */
  #ownNameOf(expression: Expression | undefined): string | null {
    if (expression?.type !== 'CallExpression') return null;
    const { base } = expression;
    if (base.type === 'Identifier') return this.#names.of(base) ? null : base.name;
    if (base.type !== 'MemberExpression' || base.base.type !== 'Identifier' || this.#names.of(base.base)) return null;
    return `${base.base.name}.${base.identifier.name}`;
  }

  #isBoolean(expression: Expression): boolean {
    switch (expression.type) {
      case 'BooleanLiteral':
        return true;
      case 'UnaryExpression':
        return expression.operator === 'not';
      case 'BinaryExpression':
        return comparisons.has(expression.operator);
      case 'LogicalExpression':
        return this.#isBoolean(expression.left) && this.#isBoolean(expression.right);
      default:
        return false;
    }
  }

  /** Whether it is neither nil nor false. */
  #condition(expression: Expression): string {
    if (expression.type === 'LogicalExpression') {
      const operator = expression.operator === 'and' ? '&&' : '||';
      return `(${this.#condition(expression.left)} ${operator} ${this.#condition(expression.right)})`;
    }
    if (expression.type === 'UnaryExpression' && expression.operator === 'not') {
      return `!${this.#condition(expression.argument)}`;
    }
    return this.#isBoolean(expression) ? this.#value(expression) : `lua.truthy(${this.#value(expression)})`;
  }

  /** The value of an expression, the first if it has several; or what is assigned to. */
  #value(expression: Expression): string {
    switch (expression.type) {
      case 'Identifier':
        return this.#names.of(expression)?.js ?? this.#known(expression.name);
      case 'StringLiteral':
        return JSON.stringify(expression.value);
      case 'NumericLiteral':
      case 'BooleanLiteral':
        return String(expression.value);
      case 'NilLiteral':
        return 'undefined';
      case 'VarargLiteral':
        return 'more[0]';
      case 'FunctionDeclaration':
        return this.#function(expression);
      case 'CallExpression':
        return this.#firstOf(expression);
      case 'StringCallExpression':
      case 'TableCallExpression':
        return this.#call(expression);
      case 'MemberExpression':
        if (expression.indexer === ':') throw new Error(`the method ${expression.identifier.name} is not known here`);
        if (expression.base.type === 'Identifier' && !this.#names.of(expression.base)) {
          return this.#known(expression.base.name, expression.identifier.name);
        }
        return `${this.#value(expression.base)}.${expression.identifier.name}`;
      case 'IndexExpression': {
        const index = this.#value(expression.index);
        // It may be a table, all of which are one key to JavaScript.
        const key = mayBeTable.has(expression.index.type) ? `lua.key(${index})` : index;
        return `${this.#value(expression.base)}[${key}]`;
      }
      case 'UnaryExpression':
        if (expression.operator === 'not') return `!${this.#condition(expression.argument)}`;
        if (expression.operator === '#') return `lua.len(${this.#value(expression.argument)})`;
        return `(-${this.#value(expression.argument)})`;
      case 'LogicalExpression':
        return this.#logical(expression);
      case 'BinaryExpression': {
        const [left, right] = [this.#value(expression.left), this.#value(expression.right)];
        switch (expression.operator) {
          case '==':
            return `(${left} === ${right})`;
          case '~=':
            return `(${left} !== ${right})`;
          case '..':
            return `('' + ${left} + ${right})`;
          case '%':
            return `lua.mod(${left}, ${right})`;
          case '^':
            return `(${left} ** ${right})`;
          default:
            return `(${left} ${expression.operator} ${right})`;
        }
      }
      case 'TableConstructorExpression':
        return this.#table(expression);
      default:
        throw new Error(`a ${(expression as Expression).type} is not known here`);
    }
  }

  /** `and` and `or` have the value of one of both sides, and take 0 and '' for true. */
  #logical(expression: LogicalExpression): string {
    if (this.#isBoolean(expression)) return this.#condition(expression);
    const isAnd = expression.operator === 'and';
    const right = this.#value(expression.right);
    if (this.#isBoolean(expression.left)) {
      const left = this.#condition(expression.left);
      return isAnd ? `(${left} ? ${right} : false)` : `(${left} || ${right})`;
    }
    const left = this.#names.fresh();
    this.#between.at(-1)?.push(left);
    const isTrue = `lua.truthy(${left} = ${this.#value(expression.left)})`;
    return isAnd ? `(${isTrue} ? ${right} : ${left})` : `(${isTrue} ? ${left} : ${right})`;
  }

  #table({ fields }: TableConstructorExpression): string {
    const items = fields.flatMap((field) => (field.type === 'TableValue' ? [field.value] : []));
    if (fields.length === 1 && this.#ownNameOf(items[0]) === 'struct.unpack') {
      return `lua.unpackTable(${this.#list((items[0] as CallExpression).arguments)})`;
    }
    if (items.length === fields.length) return items.length === 0 ? '[undefined]' : `[undefined, ${this.#list(items)}]`;
    if (items.length > 0) throw new Error('a table of items and names');
    const named = fields.map((field) => {
      if (field.type === 'TableKeyString') return `${field.key.name}: ${this.#value(field.value)}`;
      return field.type === 'TableKey' ? `[lua.key(${this.#value(field.key)})]: ${this.#value(field.value)}` : '';
    });
    return `({ ${named.join(', ')} })`;
  }
}
