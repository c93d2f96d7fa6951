import type { ServedView } from './catalogue.ts';

/** A value as it comes over the wire. */
export type FeatureValue = number | string | boolean | null | readonly (number | string | boolean)[];

/** A vector as these documents ask for it. */
export interface ShownVector {
  readonly freshness: {
    readonly revision: string;
    readonly asOf: string;
    readonly validUntil: string | null;
    readonly lastEventAt: string | null;
    readonly completeSince: string;
  };
  readonly [feature: string]: unknown;
}

/** What an update holds, under the names that `watchDocument` gives. */
export interface ShownUpdate {
  readonly cause: 'SNAPSHOT' | 'EVENT' | 'DECAY' | 'RESYNC';
  readonly entity: { readonly id: string; readonly view: ShownVector | null };
}

/** The updates of a view with all its features, as `{ updates: [ShownUpdate!]! }`. */
export function watchDocument(view: ServedView): string {
  return `subscription Watch($ids: [ID!]!, $minIntervalMs: Int!, $since: [KnownRevisionInput!]) {
    updates: ${view.updatesField}(${view.idsArgument}: $ids, minIntervalMs: $minIntervalMs, since: $since) {
      cause
      entity: ${view.updatedEntityField} { id view: ${view.field} { ${features(view)} ${freshness} } }
    }
  }`;
}

/** What a view was at moments of the past, as `{ entity: { series: [ShownVector]! } }`; null if that is not offered. */
export function pastDocument(view: ServedView): string | null {
  if (!view.seriesField) return null;
  return `query Past($id: ID!, $at: [DateTime!]!) {
    entity: ${view.entityField}(id: $id) { series: ${view.seriesField}(at: $at) { ${features(view)} ${freshness} } }
  }`;
}

const freshness = 'freshness { revision asOf validUntil lastEventAt completeSince }';

function features(view: ServedView): string {
  return view.features.map(({ name }) => name).join(' ');
}
