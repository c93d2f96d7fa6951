import { type DocumentNode, getOperationAST, Kind, type SelectionSetNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { contractError } from './errors.ts';
import { isLeftOut } from './operation-size.ts';

/**
 * Refuses a subscription of which `@skip` or `@include` leaves nothing: GraphQL takes it for granted that there is a field, and fails
 * in a way that would close a WebSocket with all else on it. (Where a variable decides, GraphQL does not let it pass.)
 */
export function useSubscribedField(): Pick<Plugin, 'onSubscribe'> {
  return {
    onSubscribe({ args: { document, operationName }, setResultAndStopExecution }) {
      const operation = getOperationAST(document, operationName);
      if (!operation || asksForSomething(document, operation.selectionSet)) return;
      const message = 'The subscription asks for nothing: its field is left out by @skip or @include';
      setResultAndStopExecution({ errors: [contractError('BAD_USER_INPUT', message, operation)] });
    },
  };
}

function asksForSomething(document: DocumentNode, { selections }: SelectionSetNode): boolean {
  return selections.some((selection) => {
    if (isLeftOut({ variableValues: {} }, selection)) return false;
    if (selection.kind === Kind.FIELD) return true;
    if (selection.kind === Kind.INLINE_FRAGMENT) return asksForSomething(document, selection.selectionSet);
    const fragment = document.definitions.find(
      (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === selection.name.value,
    );
    return fragment?.kind === Kind.FRAGMENT_DEFINITION && asksForSomething(document, fragment.selectionSet);
  });
}
