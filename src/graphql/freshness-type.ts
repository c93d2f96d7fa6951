import type { Vector } from '../engine/index.ts';
import type { SchemaRegistry } from './registry.ts';

/** `Freshness`, which all views share. */
export function freshnessType(registry: SchemaRegistry) {
  return registry.builder.objectRef<Vector>('Freshness').implement({
    description: 'When a vector was folded, and how long it holds. All times are of the store’s clock.',
    fields: (t) => ({
      revision: t.string({
        nullable: false,
        description: 'Opaque. Changes whenever a value does, and is never used twice for an entity.',
        resolve: ({ revision }) => String(revision),
      }),
      asOf: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'When the values were folded.',
        resolve: ({ asOf }) => asOf,
      }),
      validUntil: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'Until when they stay true if no event arrives; null: for ever.',
        resolve: ({ validUntil }) => validUntil,
      }),
      lastEventAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'The newest event’s own time; null: none is known.',
        resolve: ({ lastEventAt }) => lastEventAt,
      }),
      completeSince: t.field({
        type: 'DateTime',
        nullable: false,
        description:
          'From when on every event is in every feature. A window that reaches back further may lack events: of a feature that was added today, this is today.',
        resolve: ({ completeSince }) => completeSince,
      }),
    }),
  });
}
