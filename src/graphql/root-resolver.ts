import type { GraphQLResolveInfo } from 'graphql';
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
    if (done instanceof Error) throw done;
    const result = done === undefined ? begin(args, context) : (done as Result);
    // What the request has read before is no longer true.
    if (info.operation.operation === 'mutation') return Promise.resolve(result).finally(() => context.loaders.clear());
    return result;
  });
}
