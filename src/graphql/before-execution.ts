import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** An operation with its variables as they were sent. */
export type SentOperation = Pick<
  ExecutionArgs,
  'schema' | 'document' | 'operationName' | 'variableValues' | 'contextValue'
>;

interface Beginning {
  readonly args: SentOperation;
  setResultAndStopExecution(result: ExecutionResult): void;
}

/** The part of a plugin that refuses an operation, also a subscription, before anything of it is executed. */
export function beforeExecution(
  faultsOf: (operation: SentOperation) => readonly GraphQLError[],
): Pick<Plugin, 'onExecute' | 'onSubscribe'> {
  const check = ({ args, setResultAndStopExecution }: Beginning) => {
    const errors = faultsOf(args);
    if (errors.length > 0) setResultAndStopExecution({ errors });
  };
  return { onExecute: check, onSubscribe: check };
}
