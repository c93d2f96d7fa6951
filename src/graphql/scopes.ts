import type { ScopeAuthPluginOptions } from '@pothos/plugin-scope-auth';
import { forbidden } from './errors.ts';
import type { FreshetTypes } from './types.ts';

/** What a team's own field may ask for in its `authScopes`; whoever has any of those that it names may have it. */
export interface FreshetScopes {
  /** Any scope at all. */
  readonly known: boolean;
  /** The scope of this name, for all entities and views. */
  readonly 'features:read': boolean;
  readonly 'events:write': boolean;
  readonly admin: boolean;
}

/** What a builder is given as `scopeAuth`. A team that has scopes of its own puts them beside these. */
export const scopeAuth: Pick<
  ScopeAuthPluginOptions<FreshetTypes>,
  'authScopes' | 'authorizeOnSubscribe' | 'unauthorizedError'
> = {
  authorizeOnSubscribe: true,
  authScopes: ({ caller: { grants } }) => ({
    known: !grants.isEmpty,
    'features:read': grants.allowsAll('features:read'),
    'events:write': grants.allowsAll('events:write'),
    admin: grants.allowsAll('admin'),
  }),
  unauthorizedError: (_parent, _context, { parentType, fieldName }) => forbidden(`${parentType.name}.${fieldName}`),
};
