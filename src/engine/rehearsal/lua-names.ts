import type {
  CallExpression,
  Chunk,
  Expression,
  FunctionDeclaration,
  Identifier,
  MemberExpression,
  ReturnStatement,
  Statement,
} from 'luaparse';

/** A local name of Lua's, and what it is called in JavaScript: there is one for each declaration, since Lua may declare a name anew. */
export interface Name {
  readonly js: string;
  /** The function that it stands for, if it does for one. */
  work: LuaFunction | null;
  /** The name in a part's own scope that it is handed out from. */
  from: Name | null;
}

/** A function, and whether it may give several values, or none: then it gives an array in JavaScript. */
export interface LuaFunction {
  readonly node: FunctionDeclaration;
  readonly returns: ReturnStatement[];
  givesSeveral: boolean;
}

/** Of Lua's own functions, those that give several values. */
const several: ReadonlySet<string> = new Set(['unpack', 'pcall', 'struct.unpack', 'string.find']);

/** Finds out what each name of a chunk stands for, and which expressions may have several values. */
export class LuaNames {
  readonly #names = new Map<Identifier, Name>();
  readonly #functions = new Map<FunctionDeclaration, LuaFunction>();
  /** Functions that are set into a field, by its name. */
  readonly #fields = new Map<string, LuaFunction[]>();
  /** Of calls, those in brackets of their own, which leave one value. */
  readonly #cutToOne = new Set<Expression>();
  readonly #text: string;
  readonly #scopes: Map<string, Name>[] = [new Map()];
  readonly #within: LuaFunction[] = [];
  /** Names that stand elsewhere than before the brackets of a call: what is called by another name then is not known. */
  readonly #passedOn = new Set<Identifier>();
  #count = 0;

  /** @param chunk with ranges, which tell where in the text its parts stand. */
  constructor(chunk: Chunk, text: string) {
    this.#text = text;
    this.#statements(chunk.body);
    this.#findSeveral();
    for (const identifier of this.#passedOn) {
      const name = this.of(identifier);
      if (name && workOf(name)?.givesSeveral)
        throw new Error(`${identifier.name}, which gives several values, is passed on`);
    }
  }

  /** What is called by an identifier; null: something of Lua's own. */
  of(identifier: Identifier): Name | null {
    return this.#names.get(identifier) ?? null;
  }

  functionOf(node: FunctionDeclaration): LuaFunction {
    return this.#functions.get(node) as LuaFunction;
  }

  /** A name that nothing else has. */
  fresh(): string {
    this.#count += 1;
    return `_${this.#count}`;
  }

  /** Whether an expression may have several values, or none. */
  hasSeveral(expression: Expression): boolean {
    if (this.#cutToOne.has(expression)) return false;
    return (
      expression.type === 'VarargLiteral' || (expression.type === 'CallExpression' && this.givesSeveral(expression))
    );
  }

  /** Whether what is called gives an array. */
  givesSeveral({ base }: CallExpression): boolean {
    switch (base.type) {
      case 'FunctionDeclaration':
        return this.functionOf(base).givesSeveral;
      case 'Identifier': {
        const name = this.of(base);
        return name ? (workOf(name)?.givesSeveral ?? false) : several.has(base.name);
      }
      case 'MemberExpression':
        return this.#memberGivesSeveral(base);
      default:
        return false;
    }
  }

  #memberGivesSeveral({ base, identifier }: MemberExpression): boolean {
    if (base.type === 'Identifier' && !this.of(base)) return several.has(`${base.name}.${identifier.name}`);
    return this.#fields.get(identifier.name)?.some(({ givesSeveral }) => givesSeveral) ?? false;
  }

  /** A function gives several values if it returns several anywhere, or those of one that does; all of one field do alike. */
  #findSeveral(): void {
    for (let changed = true; changed; ) {
      changed = false;
      const set = (work: LuaFunction) => {
        if (!work.givesSeveral) work.givesSeveral = changed = true;
      };
      for (const work of this.#functions.values()) {
        const isSeveral = work.returns.some(
          ({ arguments: values }) => values.length > 1 || values.some((value) => this.hasSeveral(value)),
        );
        if (isSeveral) set(work);
      }
      for (const list of this.#fields.values()) {
        if (list.some(({ givesSeveral }) => givesSeveral)) for (const work of list) set(work);
      }
    }
  }

  #declare(identifier: Identifier): Name {
    const name: Name = { js: `${identifier.name}${this.fresh()}`, work: null, from: null };
    this.#scopes.at(-1)?.set(identifier.name, name);
    this.#names.set(identifier, name);
    return name;
  }

  #scope(visit: () => void): void {
    this.#scopes.push(new Map());
    visit();
    this.#scopes.pop();
  }

  #statements(statements: readonly Statement[]): void {
    for (const statement of statements) this.#statement(statement);
  }

  #block(statements: readonly Statement[], declared: readonly Identifier[] = []): void {
    this.#scope(() => {
      for (const one of declared) this.#declare(one);
      this.#statements(statements);
    });
  }

  #statement(statement: Statement): void {
    switch (statement.type) {
      case 'LocalStatement': {
        this.#list(statement.init);
        const names = statement.variables.map((variable) => this.#declare(variable));
        for (const [i, value] of statement.init.entries()) this.#standsFor(names[i], value);
        this.#handedOut(names, statement.init);
        break;
      }
      case 'AssignmentStatement':
        this.#list(statement.init);
        for (const [i, variable] of statement.variables.entries()) {
          this.#expression(variable);
          if (variable.type === 'Identifier') this.#passedOn.delete(variable);
          const value = statement.init[i];
          if (variable.type === 'Identifier') this.#standsFor(this.of(variable) ?? undefined, value);
          else if (variable.type === 'MemberExpression' && value) this.#field(variable.identifier.name, value);
        }
        break;
      case 'CallStatement':
        this.#expression(statement.expression);
        break;
      case 'FunctionDeclaration':
        if (statement.isLocal) {
          const name = this.#declare(statement.identifier as Identifier);
          this.#function(statement);
          name.work = this.functionOf(statement);
        } else {
          if (statement.identifier?.type !== 'MemberExpression') throw new Error('a function needs a local name');
          this.#expression(statement.identifier);
          this.#function(statement);
          this.#field(statement.identifier.identifier.name, statement);
        }
        break;
      case 'ReturnStatement':
        this.#list(statement.arguments);
        this.#within.at(-1)?.returns.push(statement);
        break;
      case 'IfStatement':
        for (const clause of statement.clauses) {
          if (clause.type !== 'ElseClause') this.#expression(clause.condition);
          this.#block(clause.body);
        }
        break;
      case 'WhileStatement':
        this.#expression(statement.condition);
        this.#block(statement.body);
        break;
      case 'RepeatStatement':
        this.#scope(() => {
          this.#statements(statement.body);
          this.#expression(statement.condition);
        });
        break;
      case 'DoStatement':
        this.#block(statement.body);
        break;
      case 'ForNumericStatement':
        for (const value of [statement.start, statement.end, statement.step]) if (value) this.#expression(value);
        this.#block(statement.body, [statement.variable]);
        break;
      case 'ForGenericStatement':
        for (const value of statement.iterators) this.#expression(value);
        this.#block(statement.body, statement.variables);
        break;
      case 'BreakStatement':
        break;
      default:
        throw new Error(`a ${statement.type} is not known here`);
    }
  }

  /** @param opened how many brackets stand before the first of them that are the list's own. */
  #list(expressions: readonly Expression[], opened = 0): void {
    for (const [i, one] of expressions.entries()) {
      this.#expression(one);
      // The parser does not tell of brackets.
      const [from] = (one as unknown as { readonly range: readonly [number, number] }).range;
      const brackets = /[(\s]*$/.exec(this.#text.slice(Math.max(0, from - 100), from))?.[0].replace(/\s/g, '') ?? '';
      if (brackets.length > (i === 0 ? opened : 0)) this.#cutToOne.add(one);
    }
  }

  #standsFor(name: Name | undefined, value: Expression | undefined): void {
    if (name && value?.type === 'FunctionDeclaration') name.work = this.functionOf(value);
  }

  /** `local a, b = (function() … return a, b end)()`: how a part hands out names of its own. */
  #handedOut(names: readonly Name[], [value, ...others]: readonly Expression[]): void {
    if (others.length > 0 || value?.type !== 'CallExpression' || value.base.type !== 'FunctionDeclaration') return;
    const last = value.base.body.at(-1);
    if (last?.type !== 'ReturnStatement') return;
    for (const [i, one] of last.arguments.entries()) {
      const name = names[i];
      if (one.type !== 'Identifier') continue;
      this.#passedOn.delete(one);
      if (name) name.from = this.of(one);
    }
  }

  #field(name: string, value: Expression): void {
    if (value.type !== 'FunctionDeclaration') return;
    const list = this.#fields.get(name) ?? [];
    this.#fields.set(name, list);
    list.push(this.functionOf(value));
  }

  #function(node: FunctionDeclaration): void {
    const work: LuaFunction = { node, returns: [], givesSeveral: false };
    this.#functions.set(node, work);
    this.#within.push(work);
    this.#block(
      node.body,
      node.parameters.flatMap((one) => (one.type === 'Identifier' ? [one] : [])),
    );
    this.#within.pop();
  }

  #expressions(...expressions: readonly Expression[]): void {
    for (const one of expressions) this.#expression(one);
  }

  #expression(expression: Expression): void {
    switch (expression.type) {
      case 'Identifier':
        this.#passedOn.add(expression);
        for (let i = this.#scopes.length - 1; i >= 0; i--) {
          const name = this.#scopes[i]?.get(expression.name);
          if (name) return void this.#names.set(expression, name);
        }
        break;
      case 'FunctionDeclaration':
        this.#function(expression);
        break;
      case 'CallExpression':
        this.#expression(expression.base);
        if (expression.base.type === 'Identifier') this.#passedOn.delete(expression.base);
        this.#list(expression.arguments, 1);
        break;
      case 'StringCallExpression':
        this.#expressions(expression.base, expression.argument);
        break;
      case 'TableCallExpression':
        this.#expressions(expression.base, expression.arguments);
        break;
      case 'MemberExpression':
        this.#expression(expression.base);
        break;
      case 'IndexExpression':
        this.#expressions(expression.base, expression.index);
        break;
      case 'BinaryExpression':
      case 'LogicalExpression':
        this.#expressions(expression.left, expression.right);
        break;
      case 'UnaryExpression':
        this.#expression(expression.argument);
        break;
      case 'TableConstructorExpression':
        for (const field of expression.fields) {
          if (field.type === 'TableKey') this.#expression(field.key);
          this.#list([field.value]);
          if (field.type === 'TableKeyString') this.#field(field.key.name, field.value);
        }
        break;
      default: // a literal
    }
  }
}

function workOf(name: Name): LuaFunction | null {
  for (let one: Name | null = name; one; one = one.from) if (one.work) return one.work;
  return null;
}
