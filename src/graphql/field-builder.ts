import { MutationFieldBuilder, ObjectFieldBuilder, QueryFieldBuilder, SubscriptionFieldBuilder } from '@pothos/core';
import type { Entity, Event, View } from '../define/index.ts';
import { serverActivityField } from './activity-field.ts';
import { labelField, retractField } from './correction-fields.ts';
import { discoveryField } from './discovery.ts';
import { entitiesField, entityField } from './entity-fields.ts';
import { searchEntitiesField } from './entity-search-field.ts';
import { featureViewField, featureViewSeriesField } from './feature-view-field.ts';
import { forgetField } from './forget-field.ts';
import { previewField, recordField, recordManyField } from './record-fields.ts';
import type { EntityRef, FreshetFieldOptions, FreshetTypes } from './types.ts';
import { updatesField } from './updates-field.ts';

// Each method stands on the one builder on which it makes sense, so that `t.` offers nothing that cannot work.

const object = ObjectFieldBuilder.prototype as PothosSchemaTypes.ObjectFieldBuilder<FreshetTypes, EntityRef>;
object.featureView = function featureView(this: typeof object, view: View, options?: FreshetFieldOptions) {
  return featureViewField(this, view, options);
};
object.featureViewSeries = function featureViewSeries(this: typeof object, view: View, options?: FreshetFieldOptions) {
  return featureViewSeriesField(this, view, options);
};

const query = QueryFieldBuilder.prototype as PothosSchemaTypes.QueryFieldBuilder<FreshetTypes, object>;
query.entity = function entity(this: typeof query, subject: Entity, options?: FreshetFieldOptions) {
  return entityField(this, subject, options);
};
query.entities = function entities(this: typeof query, subject: Entity, options?: FreshetFieldOptions) {
  return entitiesField(this, subject, options);
};
query.featureViews = function featureViews(this: typeof query, options?: FreshetFieldOptions) {
  return discoveryField(this, options);
};
query.searchEntities = function searchEntities(this: typeof query, options?: FreshetFieldOptions) {
  return searchEntitiesField(this, options);
};
query.preview = function preview(this: typeof query, event: Event, options?: FreshetFieldOptions) {
  return previewField(this, event, options);
};

const mutation = MutationFieldBuilder.prototype as PothosSchemaTypes.MutationFieldBuilder<FreshetTypes, object>;
mutation.record = function record(this: typeof mutation, event: Event, options?: FreshetFieldOptions) {
  return recordField(this, event, options);
};
mutation.recordMany = function recordMany(this: typeof mutation, event: Event, options?: FreshetFieldOptions) {
  return recordManyField(this, event, options);
};
mutation.label = function label(this: typeof mutation, event: Event, options?: FreshetFieldOptions) {
  return labelField(this, event, options);
};
mutation.retract = function retract(
  this: typeof mutation,
  event: Event,
  confirm: readonly string[],
  options?: FreshetFieldOptions,
) {
  return retractField(this, event, confirm, options);
};
mutation.forget = function forget(this: typeof mutation, entity: Entity, options?: FreshetFieldOptions) {
  return forgetField(this, entity, options);
};

const subscription = SubscriptionFieldBuilder.prototype as PothosSchemaTypes.SubscriptionFieldBuilder<
  FreshetTypes,
  object
>;
subscription.featureUpdates = function featureUpdates(
  this: typeof subscription,
  view: View,
  options?: FreshetFieldOptions,
) {
  return updatesField(this, view, options);
};
subscription.serverActivity = function serverActivity(this: typeof subscription, options?: FreshetFieldOptions) {
  return serverActivityField(this, options);
};
