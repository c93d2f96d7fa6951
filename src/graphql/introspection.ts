import type { ASTVisitor, FieldNode, ValidationContext } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { contractError } from './errors.ts';

/** Refuses `__schema` and `__type` where they are not served. `__typename` says nothing that is not asked for anyway. */
export function useIntrospection(isServed: boolean): Plugin {
  if (isServed) return {};
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(noIntrospection);
    },
  };
}

function noIntrospection(context: ValidationContext): ASTVisitor {
  return {
    Field(node: FieldNode) {
      const { value: name } = node.name;
      if (name !== '__schema' && name !== '__type') return;
      context.reportError(
        contractError('FORBIDDEN', `${name} is not served here: the schema is at /schema.graphql`, node),
      );
    },
  };
}
