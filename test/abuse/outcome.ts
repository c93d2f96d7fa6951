import { expect } from 'vitest';

/** What a request must come to, by the contract's table. */
export interface Expected {
  readonly status: readonly number[];
  /** What `extensions.code` of its errors may be, null among them: there may be none; null: anything, since there is no GraphQL in it. */
  readonly codes: readonly (string | null)[] | null;
  /** Whether there must be an error. */
  readonly fails: boolean;
}

/** Refused before anybody read it as GraphQL. */
export function refused(...status: number[]): Expected {
  return { status, codes: null, fails: true };
}

/** A request error: nothing was executed. By `application/json` it may be a 200. */
export function requestError(takesStatus: boolean, ...codes: (string | null)[]): Expected {
  return { status: takesStatus ? [400] : [200, 400], codes, fails: true };
}

/** Executed, whatever became of its parts. */
export const executed: Expected = {
  status: [200, 400],
  codes: ['BAD_USER_INPUT', 'ID_INVALID', 'OUT_OF_HISTORY', 'TOO_MANY_IDS', 'BATCH_TOO_LARGE', 'QUERY_TOO_COMPLEX'],
  fails: false,
};

interface Said {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** Holds an answer against what it must be. */
export function assertAnswer(status: number, body: string, expected: Expected, told: string): void {
  expect(expected.status, `${told}\n${body.slice(0, 1_000)}`).toContain(status);
  if (status === 201 || body === '') return;
  const said = saidIn(body);
  const errors = said.errors ?? [];
  for (const { message, extensions } of errors) {
    // No word of where in our source something went wrong.
    expect(message, told).not.toMatch(/\bat .*\.[jt]s:\d|node_modules|undefined is not|Cannot read prop/);
    const { code } = extensions ?? {};
    if (expected.codes) expect(expected.codes, `${told}\n${body.slice(0, 1_000)}`).toContain(code ?? null);
  }
  if (expected.fails) expect(errors.length, `${told}\n${body.slice(0, 1_000)}`).toBeGreaterThan(0);
  else expect('data' in said || errors.length > 0, told).toBe(true);
}

/** A result, be it JSON or the only message of a stream. */
function saidIn(body: string): Said {
  const json = /^\{/.test(body.trim())
    ? body
    : (/^data: ?(\{.*)$/m.exec(body)?.[1] ?? /^\{.*$/m.exec(body)?.[0] ?? '{}');
  return JSON.parse(json) as Said;
}
