import { readFileSync } from 'node:fs';
import { parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text = '']) => ({ language, text }));
const documents = blocks.filter(({ language }) => language === 'graphql').map(({ text }) => text);

describe('the README', () => {
  test('closes each block of code', () => {
    expect(readme.match(/^```/gm)).toHaveLength(2 * blocks.length);
    for (const { text } of blocks) expect(text).not.toMatch(/^## /m);
  });

  test.each(documents.map((text) => [text.slice(0, text.indexOf(' {')).trim(), text]))(
    'asks the schema for %s',
    (_, text) => {
      expect(validate(schema, parse(text))).toEqual([]);
    },
  );

  test('has an example of each kind of operation', () => {
    const kinds = documents.map((text) => text.slice(0, text.indexOf(' ')));
    expect(new Set(kinds)).toEqual(new Set(['query', 'mutation', 'subscription']));
  });
});
