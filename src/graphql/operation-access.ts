import {
  type ExecutionArgs,
  type FieldNode,
  type GraphQLError,
  type GraphQLObjectType,
  getOperationAST,
  getVariableValues,
  type OperationDefinitionNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Caller } from '../access/index.ts';
import { beforeExecution } from './before-execution.ts';
import { conditionVariables, selectedFields } from './compiled/selected-fields.ts';
import type { FreshetContext } from './context.ts';
import { contractError, forbidden } from './errors.ts';
import { fragmentsOf } from './fragments.ts';
import { ruleOf } from './rules.ts';

type AskedOperation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>;

/** Refuses whoever has no scope at all before what is asked is looked at: what is wrong with it would tell what there is. Comes first. */
export function useAnyScope(): Plugin {
  return {
    onParse({ context }) {
      const error = deniedCaller((context as unknown as Pick<FreshetContext, 'caller'>).caller);
      if (error) throw error;
    },
  };
}

/** Refuses an operation whole, before anything of it is done, where its caller has no scope for what it begins with. */
export function useAccess(): Plugin {
  return beforeExecution((operation) => {
    const { caller } = operation.contextValue as FreshetContext;
    const error = deniedOperation(operation, caller);
    return error ? [error] : [];
  });
}

/** Why nothing at all is for this caller; null if something is. */
function deniedCaller({ grants }: Caller): GraphQLError | null {
  if (!grants.isEmpty) return null;
  return contractError('FORBIDDEN', 'Nothing here is for this caller: it has no scope of this service');
}

/** Why an operation that was parsed is not for this caller at all; null if it is, be it for a part of what it asks for. */
export function deniedOperation(asked: AskedOperation, caller: Caller): GraphQLError | null {
  if (caller.grants.allowsAll('admin')) return null;
  const operation = getOperationAST(asked.document, asked.operationName);
  const type = operation && asked.schema.getRootType(operation.operation);
  // What is wrong with it is for others to say.
  if (!operation || !type) return null;
  return deniedField(asked, operation, type, caller);
}

function deniedField(
  { schema, document, variableValues }: AskedOperation,
  operation: OperationDefinitionNode,
  type: GraphQLObjectType,
  caller: Caller,
): GraphQLError | null {
  const fragments = fragmentsOf(document);
  // Only those that decide about what is asked for: of a thousand events, none need be looked at.
  const names = conditionVariables({ operation, fragments });
  const conditions = operation.variableDefinitions?.filter(
    ({ variable }) => names?.includes(variable.name.value) ?? true,
  );
  const { coerced } = getVariableValues(schema, conditions ?? [], variableValues ?? {}, { maxErrors: 1 });
  if (!coerced) return null; // what is wrong with them is told before anything is done
  const selected = { schema, operation, fragments, variableValues: coerced };
  for (const [node] of selectedFields(selected, type, [operation.selectionSet]).values()) {
    const { name } = node as FieldNode;
    const field = type.getFields()[name.value];
    const rule = field && ruleOf(field);
    if (rule && !rule.allows(caller)) return forbidden(`${type.name}.${name.value}`, node);
  }
  return null;
}
