import type { Where } from '../define/index.ts';

/** What a flag of a cell says of its event: a boolean is true, or known; a filter lets it pass. */
export type FlagTest =
  | { readonly test: 'true' | 'known'; readonly field: string }
  | { readonly test: 'where'; readonly where: Where };
