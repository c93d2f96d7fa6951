import { type ExecutionArgs, type ExecutionResult, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Span, Tracing } from '../../measure/index.ts';

/** What the reference does of a request, step by step. Of what is asked it tells the kind, and nothing that the client wrote. */
export function useTracing(tracing: Tracing): Plugin {
  return {
    onParse() {
      const span = tracing.begin('graphql.parse');
      return ({ result }) => {
        if (result instanceof Error) span.fail('GRAPHQL_PARSE_FAILED');
        span.end();
      };
    },
    onValidate() {
      const span = tracing.begin('graphql.validate');
      return ({ valid }) => {
        if (!valid) span.fail('GRAPHQL_VALIDATION_FAILED');
        span.end();
      };
    },
    onExecute({ executeFn, setExecuteFn, args }) {
      const span = tracing.begin('graphql.execute');
      noteOperation(span, args as unknown as ExecutionArgs);
      setExecuteFn((given) => tracing.within(span, () => executeFn(given)));
      return { onExecuteDone: ({ result }) => endWithResult(span, result) };
    },
    onSubscribe({ subscribeFn, setSubscribeFn, args }) {
      const span = tracing.begin('graphql.subscribe');
      noteOperation(span, args as unknown as ExecutionArgs);
      setSubscribeFn((given) => tracing.within(span, () => subscribeFn(given)));
      // With a hook for its errors, too, the stream would be wrapped, and be none that pushes by itself.
      return { onSubscribeResult: ({ result }) => endWithResult(span, result) };
    },
  };
}

function noteOperation(span: Span, { document, operationName }: ExecutionArgs): void {
  const operation = getOperationAST(document, operationName);
  if (operation) span.set('graphql.operation.type', operation.operation);
}

function endWithResult(span: Span, result: unknown): void {
  const [error] = (result as ExecutionResult | undefined)?.errors ?? [];
  // A team's own code is text of its own.
  if (error) span.fail(/^[A-Z_]{1,40}$/.test(String(error.extensions?.code)) ? String(error.extensions.code) : 'other');
  span.end();
}
