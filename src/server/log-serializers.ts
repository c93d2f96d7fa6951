import { tracer } from '../measure/index.ts';

interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string | number;
  readonly cause?: LoggedError;
}

const longestText = 8_192;
const deepestCause = 5;

/**
 * For every pino logger here. Of an error only what says where it comes from: libraries hang whole commands on theirs,
 * with keys and values that do not belong in a log.
 */
export const logSerializers = { err: (error: unknown): LoggedError => loggedError(error) };

/** For every pino logger here: each line of work that is traced has the id of its trace. */
export function traceOfLine(): { readonly traceId?: string } {
  const traceId = tracer.current?.current()?.traceId;
  return traceId ? { traceId } : {};
}

function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: isPlain(error) ? cut(String(error)) : '' };
  const { message, stack, cause, code } = error as Error & { readonly code?: unknown };
  return {
    type: error.name === 'Error' ? (error.constructor?.name ?? 'Error') : String(error.name),
    message: cut(String(message)),
    ...(typeof stack === 'string' && { stack: cut(stack) }),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(cause !== undefined && depth < deepestCause && { cause: loggedError(cause, depth + 1) }),
  };
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' && typeof value !== 'function';
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}
