import xxhash from 'xxhash-wasm';

const { h64 } = await xxhash();

/** Writes the 64-bit xxHash (seed 0) of a text's UTF-8, low byte first: how ids are kept where their text is not needed. */
export function writeHash64(text: string, target: Buffer, offset: number): void {
  target.writeBigUInt64LE(h64(text), offset);
}
