import type { GraphQLResolveInfo } from 'graphql';
import type { RecordedAhead } from './compiled/compile-operation.ts';
import type { FreshetContext } from './context.ts';
import { assertWithinLimits } from './operation-size.ts';
import { own, type RootContext } from './own-resolvers.ts';

/**
 * The resolver of a field that begins an operation: it holds the operation to its limits, and does not do again what was done ahead
 * of the execution.
 */
export function root<Args, Result>(
  begin: (args: Args, context: RootContext) => Result,
): (
  parent: object,
  args: Args,
  context: FreshetContext,
  info: GraphQLResolveInfo,
) => Result | Promise<Awaited<Result>> {
  return own({ kind: 'root', begin }, (_, args, context, info) => {
    assertWithinLimits(info);
    const done = context.doneAhead?.get(String(info.path.key));
    const result = done ? doneBefore<Result>(done) : begin(args, context);
    if (info.operation.operation !== 'mutation') return result;
    return Promise.resolve(result).finally(() => {
      // What the request has read before is no longer true, and what was read after this is as true as it was then.
      context.loaders.clear();
      if (done) context.loaders.prime(done.read);
    });
  });
}

function doneBefore<Result>({ result }: RecordedAhead): Result {
  if (result instanceof Error) throw result;
  return result as Result;
}
