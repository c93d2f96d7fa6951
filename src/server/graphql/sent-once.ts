import { type ExecutionArgs, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { RequestContext } from './request-context.ts';

/**
 * Of what a client sent, a subscription holds what it goes on with, for as long as it lasts: the variables that it declares. All else
 * (extensions, other variables, whatever else is in a body) is let go once it begins. It comes after whatever looks at that.
 */
export function useSentOnce(): Plugin<RequestContext> {
  return {
    onSubscribe({ args }) {
      args.variableValues = declaredVariables(args as unknown as ExecutionArgs);
      const { http, params } = args.contextValue as unknown as RequestContext & { readonly params?: object };
      http?.sent?.forget();
      // Yoga has it in several places.
      for (const name of Object.keys(params ?? {})) Reflect.deleteProperty(params as object, name);
    },
  };
}

function declaredVariables({ document, operationName, variableValues }: ExecutionArgs) {
  if (!variableValues) return variableValues;
  const declared = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  const given = declared
    .map(({ variable }) => variable.name.value)
    .filter((name) => Object.hasOwn(variableValues, name));
  return Object.fromEntries(given.map((name) => [name, variableValues[name]]));
}
