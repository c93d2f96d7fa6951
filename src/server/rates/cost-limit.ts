import type { ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { contractError, operationCost } from '../../graphql/index.ts';
import type { RequestContext } from '../graphql/request-context.ts';
import { tooMuchCost } from './rate-limited.ts';
import type { RateLimiter } from './rate-limiter.ts';

interface Beginning {
  readonly args: Parameters<typeof operationCost>[0] & { readonly contextValue?: unknown };
  setResultAndStopExecution(result: ExecutionResult): void;
}

/**
 * Counts what operations cost before they are executed, and refuses them where it is too much. What goes the short way is counted there,
 * and what was said there holds here: a bucket that is asked twice counts one refusal as two, or lets through what it has just refused.
 */
export function useCostLimit(rates: RateLimiter): Pick<Plugin, 'onExecute' | 'onSubscribe'> {
  const refusalOf = async ({ args }: Beginning): Promise<GraphQLError | null> => {
    const { client, http } = args.contextValue as RequestContext;
    const paid = http?.paid ?? false;
    if (paid === true || !rates.limitsCost) return null;
    const cost = operationCost(args);
    const most = rates.mostCost;
    if (cost > most) {
      return contractError(
        'QUERY_TOO_COMPLEX',
        `The query costs ${cost}: the limit is ${most} at a time; ask in parts`,
      );
    }
    const waitMs = paid === false ? await rates.cost(client, cost) : paid.waitMs;
    return waitMs > 0 ? tooMuchCost(waitMs, cost) : null;
  };
  const check = async (beginning: Beginning) => {
    const refusal = await refusalOf(beginning);
    if (refusal) beginning.setResultAndStopExecution({ errors: [refusal] });
  };
  return { onExecute: check, onSubscribe: check };
}
