import type { FieldKind, SchemaTypes } from '@pothos/core';
import type { Entity, Event, RequiredFieldOf, View } from '../define/index.ts';
import type { FreshetPlugin } from './plugin.ts';
import type { EntityRef, EntityTypeOptions, EntityTypeRef, FreshetFieldOptions } from './types.ts';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      freshet: FreshetPlugin<Types>;
    }

    export interface BuildSchemaOptions<Types extends SchemaTypes> {
      /** Every view that this schema serves, in the order of `featureViews`. */
      views?: readonly View[];
    }

    export interface SchemaBuilder<Types extends SchemaTypes> {
      /**
       * Gives an entity its object type, named like it, with `id: ID!`. Elsewhere in the team's own types an entity is
       * then returned as `{ id }`.
       */
      entityType(entity: Entity, options?: EntityTypeOptions<Types>): EntityTypeRef<Types>;
    }

    export interface QueryFieldBuilder<Types extends SchemaTypes, ParentShape> {
      /** `user(id: ID!): User!` */
      entity(entity: Entity, options?: FreshetFieldOptions): FieldRef<Types, EntityRef, 'Query'>;

      /** `users(ids: [ID!]!): [User!]!`, in the order asked, repeats allowed. */
      entities(entity: Entity, options?: FreshetFieldOptions): FieldRef<Types, readonly EntityRef[], 'Query'>;

      /** `previewTransaction(input: TransactionInput!): RecordTransactionPayload!`: features as they would be. */
      preview(event: Event, options?: FreshetFieldOptions): FieldRef<Types, unknown, 'Query'>;

      /** `searchEntities(text: String!, first: Int! = 20): EntitySearch!`: entities by a part of their id. */
      searchEntities(options?: FreshetFieldOptions): FieldRef<Types, unknown, 'Query'>;

      /** `featureViews: [FeatureView!]!`: what is served, for discovery. */
      featureViews(options?: FreshetFieldOptions): FieldRef<Types, readonly View[], 'Query'>;
    }

    export interface MutationFieldBuilder<Types extends SchemaTypes, ParentShape> {
      /** `recordTransaction(input: TransactionInput!): RecordTransactionPayload!` */
      record(event: Event, options?: FreshetFieldOptions): FieldRef<Types, unknown, 'Mutation'>;

      /** `recordTransactions(input: [TransactionInput!]!): RecordTransactionsPayload!` */
      recordMany(event: Event, options?: FreshetFieldOptions): FieldRef<Types, unknown, 'Mutation'>;

      /** `labelTransaction(input: LabelTransactionInput!): LabelTransactionPayload!`: the label of a recorded event. */
      label(event: Event, options?: FreshetFieldOptions): FieldRef<Types, unknown, 'Mutation'>;

      /**
       * `retractTransaction(input: RetractTransactionInput!): RetractTransactionPayload!`: takes a recorded event out again.
       * @param confirm required numbers of the event that the caller repeats, and that must be as recorded.
       */
      retract<E extends Event>(
        event: E,
        confirm: readonly RequiredFieldOf<E, 'number'>[],
        options?: FreshetFieldOptions,
      ): FieldRef<Types, unknown, 'Mutation'>;

      /** `forgetUser(id: ID!): ForgetReceipt!`: removes everything that is stored of an entity. */
      forget(entity: Entity, options?: FreshetFieldOptions): FieldRef<Types, unknown, 'Mutation'>;
    }

    export interface SubscriptionFieldBuilder<Types extends SchemaTypes, ParentShape> {
      /**
       * `userRiskProfileUpdated(userIds: [ID!]!): [UserRiskProfileUpdate!]!`. The first message is a snapshot of every
       * id, bad ones with their error; with no good id among them it is also the last, since nothing could follow.
       */
      featureUpdates(view: View, options?: FreshetFieldOptions): FieldRef<Types, unknown, 'Subscription'>;

      /** `serverActivity: ServerActivity!`: what the serving process does, each second. */
      serverActivity(options?: FreshetFieldOptions): FieldRef<Types, unknown, 'Subscription'>;
    }

    export interface ObjectFieldBuilder<Types extends SchemaTypes, ParentShape> {
      /**
       * `riskProfile(asOf: DateTime): UserRiskProfile`, on the type of the view's entity; null only beside an error at its path.
       */
      featureView: ParentShape extends EntityRef
        ? (view: View, options?: FreshetFieldOptions) => FieldRef<Types, unknown, FieldKind>
        : 'featureView stands on the type of an entity: see builder.entityType';

      /** `riskProfileSeries(at: [DateTime!]!): [UserRiskProfile]!`, beside it: the view at past moments. */
      featureViewSeries: ParentShape extends EntityRef
        ? (view: View, options?: FreshetFieldOptions) => FieldRef<Types, unknown, FieldKind>
        : 'featureViewSeries stands on the type of an entity: see builder.entityType';
    }
  }
}
