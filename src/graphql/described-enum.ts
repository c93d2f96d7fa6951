import type { FreshetBuilder } from './types.ts';

/** An enum whose values are the keys of `descriptions`, in their order, inside as outside. */
export function describedEnum<Value extends string>(
  builder: FreshetBuilder,
  name: string,
  description: string,
  descriptions: { readonly [V in Value]: string },
) {
  const values = Object.entries<string>(descriptions).map(([value, text]) => [value, { value, description: text }]);
  return builder.enumType(name, {
    description,
    values: Object.fromEntries(values) as {
      readonly [V in Value]: { readonly value: V; readonly description: string };
    },
  });
}
