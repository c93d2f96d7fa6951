import { expect } from 'vitest';
import type { AnsweredError } from '../api.ts';
import { type Kind, reaches } from './callers.ts';
import type { Question } from './questions.ts';

/** Who may ask for a root field: whoever may read or write something of these views, or an operator. */
export interface Class {
  readonly action: 'read' | 'write' | 'admin';
  readonly views?: readonly string[];
}

/** What came of a question, whatever it came by. */
export interface Outcome {
  /** The code of what it was refused by as a whole; null if it was answered. */
  readonly refused: string | null;
  readonly data?: { readonly [field: string]: unknown } | null | undefined;
  readonly errors?: readonly AnsweredError[] | undefined;
}

/** Which view each field of an entity shows. */
export type ViewFields = { readonly [coordinate: string]: string };

/** What a caller is to be told as a whole; null: it is answered. */
export function expectedRefusal({ by, scopes, reads, writes, isAdmin }: Kind, { action, views }: Class): string | null {
  if (by !== 'key' && by !== 'token') return 'UNAUTHENTICATED';
  if (isAdmin) return null;
  if (action === 'admin') return 'FORBIDDEN';
  if (!views)
    return scopes.some((scope) => scope.startsWith(action === 'read' ? 'features:read' : 'events:write'))
      ? null
      : 'FORBIDDEN';
  const reach = action === 'read' ? reads : writes;
  return reach.some(([view]) => views.includes(view)) ? null : 'FORBIDDEN';
}

/** Expects of an answer that it shows what is the caller's, all of it, and nothing else. */
export function expectOwn(
  kind: Kind,
  question: Question,
  { data, errors = [] }: Outcome,
  viewFields: ViewFields,
): void {
  const about = `${question.coordinate} ${JSON.stringify(question.variables)}`;
  expect(data, `${about}: ${JSON.stringify(errors)}`).toBeTruthy();
  const forbidden: string[] = [];
  walk(data, [], (type, id, field, value, path) => {
    const view = viewFields[`${type}.${field}`];
    if (view === undefined) return;
    const values = Array.isArray(value)
      ? value.map((one, i) => [one, [...path, i]] as const)
      : [[value, path] as const];
    for (const [one, at] of values) {
      if (!reaches(kind.reads, view, id)) {
        expect(one, `${about}: ${at.join('.')}`).toBeNull();
        forbidden.push(at.join('.'));
      } else if (!Array.isArray(value)) expect(one, `${about}: ${at.join('.')}`).not.toBeNull();
    }
  });
  const told = errors.filter(({ extensions }) => extensions.code === 'FORBIDDEN').map(({ path }) => path?.join('.'));
  expect(told.sort(), about).toEqual(forbidden.sort());
  // Of the past, not all can be told.
  const others = errors.filter(({ extensions: { code } }) => code !== 'FORBIDDEN' && code !== 'OUT_OF_HISTORY');
  expect(others, about).toEqual([]);
  expectWritten(kind, question, data, about);
}

interface SentEvent {
  readonly userId: string;
  readonly merchantId: string;
}

/** What was the caller's to write was, or could have been; each other event was rejected by itself, and its reason says whose it is. */
function expectWritten(
  { writes }: Kind,
  { coordinate, variables }: Question,
  data: Outcome['data'],
  about: string,
): void {
  const { input } = variables as { readonly input?: SentEvent | readonly SentEvent[] };
  if (!coordinate.startsWith('Mutation.') || !input) return;
  const [answer] = Object.values(data ?? {}) as { readonly results?: readonly unknown[] }[];
  const results = answer?.results ?? [answer];
  const inputs = [input].flat();
  expect(results).toHaveLength(inputs.length);
  for (const [i, { userId, merchantId }] of inputs.entries()) {
    const { status, reason } = results[i] as { readonly status: string; readonly reason: string | null };
    const foreign = [
      ...(reaches(writes, 'user_risk_profile', userId) ? [] : [`User "${userId}"`]),
      ...(reaches(writes, 'merchant_activity', merchantId) ? [] : [`Merchant "${merchantId}"`]),
    ];
    if (foreign.length === 0) expect(status, about).not.toBe('REJECTED');
    else {
      expect(status, about).toBe('REJECTED');
      expect(
        foreign.some((one) => reason?.includes(one)),
        `${about}: ${reason}`,
      ).toBe(true);
    }
  }
}

type Path = readonly (string | number)[];

/** Calls back for each field of each object that says its type and its id. */
function walk(
  value: unknown,
  path: Path,
  see: (type: string, id: string, field: string, value: unknown, path: Path) => void,
): void {
  if (typeof value !== 'object' || value === null) return;
  const { __typename: type, id } = value as { readonly __typename?: string; readonly id?: string };
  for (const [key, inner] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    if (type !== undefined && id !== undefined) see(type, id, key, inner, at);
    walk(inner, at, see);
  }
}
