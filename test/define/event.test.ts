import { describe, expect, test } from 'vitest';
import { DefinitionError, event } from '../../src/define/index.ts';

describe('an event', () => {
  const define = (fields: object) =>
    event('Claim', {
      description: 'Somebody claims.',
      id: 'claimId' as never,
      time: 'at' as never,
      fields: {
        claimId: { type: 'id', description: 'Its id.' },
        at: { type: 'time', description: 'When.' },
        ...fields,
      },
    });

  test('may have one label, which is an optional boolean', () => {
    const good = { type: 'boolean', optional: true, label: true, description: 'Known late.' };
    expect(() => define({ settled: good })).not.toThrow();
    expect(() => define({ settled: { ...good, optional: false } })).toThrow(DefinitionError);
    expect(() => define({ settled: { ...good, type: 'number' } })).toThrow(/label settled must be an optional boolean/);
    expect(() => define({ settled: good, refused: good })).toThrow(/labels settled and refused/);
  });
});
