import type { GraphQLField } from 'graphql';
import type { Action, Caller } from '../access/index.ts';
import type { Entity, View } from '../define/index.ts';
import type { FreshetContext } from './context.ts';
import type { EntityRef } from './types.ts';

/** Under this name a field's extensions have the rule that says who may ask for it. */
export const ruleExtension = 'freshetRule';

/** Who may ask for one of the plugin's own fields. */
export interface Rule {
  /** Whoever may do this whatever it concerns may ask for it, and needs no further look; null: everyone may. */
  readonly action: Action | null;
  /** Whether a caller may ask for the field at all, be it of a few ids only. */
  readonly allows: (caller: Caller) => boolean;
}

/** What scope-auth asks of a field. */
export type Check<Parent> = (parent: Parent, args: object, context: FreshetContext) => boolean;

const rules = new WeakMap<object, Rule>();

/** The rule behind what a field has as `authScopes`; null: it is a team's own. */
export function ruleBehind(authScopes: unknown): Rule | null {
  return (typeof authScopes === 'function' && rules.get(authScopes)) || null;
}

/** The rule by which a built field goes; null: it is a team's own, or stands below what was asked for already. */
export function ruleOf({ extensions }: GraphQLField<unknown, unknown>): Rule | null {
  return (extensions[ruleExtension] as Rule | undefined) ?? null;
}

/** Of a field that says no more than who asks for it knows. */
export function everyone(): Check<unknown> {
  return ruled({ action: null, allows: () => true }, () => true);
}

/**
 * Of a field that begins an operation: for whoever may do this for some id.
 * @param views those that it is about; left out: any. Asked when the schema is built.
 */
export function whoeverMay(action: Action, views?: () => readonly View[]): Check<unknown> {
  const allows = ({ grants }: Caller) => grants.allowsAll(action) || grants.allowsSome(action, views?.());
  return ruled({ action, allows }, (_, _args, { caller }) => allows(caller));
}

/** Of a field of an entity that shows a view of it: for whoever may read that view of this id. */
export function whoeverMayRead(view: View): Check<EntityRef> {
  const action = 'features:read';
  const rule: Rule = { action, allows: ({ grants }) => grants.allowsSome(action, [view]) };
  return ruled(rule, ({ id }, _, { caller }) => caller.grants.allows(action, view, id));
}

/** Of a team's own field of an entity: for whoever may read all of this id. */
export function readersOf(entity: Entity): Check<EntityRef> {
  return ({ id }, _, { caller }) => caller.grants.allowsEntity('features:read', entity, id);
}

function ruled<Parent>(rule: Rule, check: Check<Parent>): Check<Parent> {
  rules.set(check, rule);
  return check;
}
