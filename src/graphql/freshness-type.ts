import { pure } from './own-resolvers.ts';
import { pureExtension } from './purity.ts';
import type { SchemaRegistry } from './registry.ts';
import { isPast, revisionText, type ShownVector } from './shown-vector.ts';

/** `Freshness`, which all views share. */
export function freshnessType(registry: SchemaRegistry) {
  return registry.builder.objectRef<ShownVector>('Freshness').implement({
    description: 'Of which moment a vector is, and how long it holds. All times are of the store’s clock.',
    fields: (t) => ({
      revision: t.string({
        nullable: false,
        description:
          'Opaque. Changes whenever a value does, and is never used twice for an entity. That of a past moment changes with every event.',
        extensions: { [pureExtension]: true },
        resolve: pure(revisionText),
      }),
      asOf: t.field({
        type: 'DateTime',
        nullable: false,
        description:
          'The moment of the values: when they were folded, or the one that was asked for. Of a view with a feature `timeSinceLast`, when they were read: what that tells is the seconds up to this moment.',
        extensions: { [pureExtension]: true },
        resolve: pure(({ asOf }) => asOf),
      }),
      validUntil: t.field({
        type: 'DateTime',
        nullable: true,
        description:
          'Until when they stay true if no event arrives, but for `timeSinceLast`, which grows; null: for ever, or they are of a past moment.',
        extensions: { [pureExtension]: true },
        resolve: pure((vector) => (isPast(vector) ? null : vector.validUntil)),
      }),
      lastEventAt: t.field({
        type: 'DateTime',
        nullable: true,
        description:
          'The newest event’s own time; null: none is known. Of a past moment, the newest at or before it; the moment itself where that falls among events that were put together.',
        extensions: { [pureExtension]: true },
        resolve: pure(({ lastEventAt }) => lastEventAt),
      }),
      completeSince: t.field({
        type: 'DateTime',
        nullable: false,
        description:
          'From when on every event is in every feature. A window that reaches back further may lack events: of a feature that was added today, this is today.',
        extensions: { [pureExtension]: true },
        resolve: pure(({ completeSince }) => completeSince),
      }),
    }),
  });
}
