import type { Entity } from '../define/index.ts';
import type { ForgetReceipt, ForgetStatus } from '../engine/index.ts';
import { describedEnum } from './described-enum.ts';
import { assertWithinLimits } from './operation-size.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import { whoeverMay } from './rules.ts';
import type { FreshetFieldOptions, FreshetTypes } from './types.ts';

type MutationFields = PothosSchemaTypes.MutationFieldBuilder<FreshetTypes, object>;

const statusDescriptions: { readonly [S in ForgetStatus]: string } = {
  FORGOTTEN: 'Nothing of it is stored any more.',
  REJECTED: 'The id breaks a rule: nothing could be stored under it.',
  UNAVAILABLE: 'The store could not be reached: it may or may not be forgotten. Sending it again is safe.',
};

/** `forgetUser(id: ID!): ForgetReceipt!` */
export function forgetField(t: MutationFields, entity: Entity, options: FreshetFieldOptions = {}) {
  const registry = registryOf(t.builder);
  return t.field({
    description: `Removes everything that is stored of one ${entity.name}, also for views that are no longer served. It is unknown from then on. Safe to send again.`,
    ...options,
    type: registry.generated(receiptType, undefined),
    nullable: false,
    authScopes: whoeverMay('admin'),
    args: { id: t.arg.id({ required: true, description: `The id of the ${entity.name}.` }) },
    resolve: async (_, { id }, { engine, loaders, activity }, info) => {
      assertWithinLimits(info);
      const receipt = await engine.forget(entity, id);
      activity.countCorrection('forget', receipt.status);
      // What the request has read before is no longer true.
      loaders.clear();
      return receipt;
    },
  });
}

/** `ForgetReceipt`, which all entities share. */
function receiptType(registry: SchemaRegistry) {
  return registry.builder.objectRef<ForgetReceipt>('ForgetReceipt').implement({
    description: 'What was removed of an entity, from all of its views at once.',
    fields: (t) => ({
      id: t.id({ nullable: false, description: 'Its id, as it was sent.', resolve: ({ id }) => id }),
      status: t.field({
        type: registry.generated(statusEnum, undefined),
        nullable: false,
        description: 'What became of it.',
        resolve: ({ status }) => status,
      }),
      reason: t.string({ nullable: true, description: 'Why it was not done.', resolve: ({ reason }) => reason }),
      keys: t.int({
        nullable: false,
        description: 'How many keys were removed; 0 if nothing was stored.',
        resolve: ({ keys }) => keys,
      }),
      bytes: t.float({
        nullable: false,
        description: 'How many bytes of memory they took.',
        resolve: ({ bytes }) => bytes,
      }),
    }),
  });
}

function statusEnum({ builder }: SchemaRegistry) {
  return describedEnum(builder, 'ForgetStatus', 'What became of a wish to forget an entity.', statusDescriptions);
}
