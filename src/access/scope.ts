/** What may be asked for: reads of features, writes of events, and what is for operators, which may do all. */
export const actions = ['features:read', 'events:write', 'admin'] as const;
export type Action = (typeof actions)[number];

/** What one scope grants. */
export interface Grant {
  readonly action: Action;
  /** The name of an entity (`User`) or of a view (`user_risk_profile`); null: of all. */
  readonly target: string | null;
  /** Which ids of the target; null: all. */
  readonly ids: IdPattern | null;
}

/** One id, or all that begin so. */
export interface IdPattern {
  readonly text: string;
  readonly isPrefix: boolean;
}

/** A scope that grants nothing, since nobody could say what. */
export class ScopeError extends Error {
  override readonly name = 'ScopeError';
  readonly code = 'SCOPE_INVALID';
}

/** Of entities (PascalCase) and of views (snake_case). */
const targetName = /^[A-Za-z][A-Za-z0-9_]*$/;

/**
 * Reads a scope such as `features:read`, `features:read:User`, `events:write:user_risk_profile` or `features:read:User:acme-*`.
 * An id is percent-encoded where it holds a blank, `:`, `%` or `*`; only a star at its end stands for whatever follows.
 * @throws ScopeError
 */
export function parseScope(text: string): Grant {
  const action = actions.find((one) => text === one || text.startsWith(`${one}:`));
  if (action === undefined) throw new ScopeError(`expected one of ${actions.join(', ')}, got ${quoted(text)}`);
  if (text === action) return { action, target: null, ids: null };
  if (action === 'admin') throw new ScopeError(`admin cannot be narrowed, got ${quoted(text)}`);
  const [target = '', pattern, ...more] = text.slice(action.length + 1).split(':');
  if (!targetName.test(target)) {
    throw new ScopeError(`expected the name of an entity or a view behind ${action}:, got ${quoted(text)}`);
  }
  if (more.length > 0) throw new ScopeError(`an id is percent-encoded: write : as %3A, got ${quoted(text)}`);
  return { action, target, ids: pattern === undefined ? null : parsePattern(pattern, text) };
}

/** The scope of a grant, as `parseScope` reads it. */
export function scopeText({ action, target, ids }: Grant): string {
  if (target === null) return action;
  if (ids === null) return `${action}:${target}`;
  const encoded = encodeURIComponent(ids.text).replaceAll('*', '%2A');
  return `${action}:${target}:${encoded}${ids.isPrefix ? '*' : ''}`;
}

function parsePattern(pattern: string, scope: string): IdPattern {
  const isPrefix = pattern.endsWith('*');
  const encoded = isPrefix ? pattern.slice(0, -1) : pattern;
  if (pattern === '') throw new ScopeError(`expected an id at the end, got ${quoted(scope)}`);
  if (/[\s*]/.test(encoded)) {
    throw new ScopeError(`an id is percent-encoded: write a blank as %20 and * as %2A, got ${quoted(scope)}`);
  }
  try {
    if (!encoded.isWellFormed()) throw new URIError('half of a surrogate pair');
    return { text: decodeURIComponent(encoded), isPrefix };
  } catch {
    throw new ScopeError(`an id is percent-encoded UTF-8: write % as %25, got ${quoted(scope)}`);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
