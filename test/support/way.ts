/**
 * Which way operations go that can be compiled: `TEST_WAY=short` has the whole suite go the short way, each operation from the first time
 * that it is asked for on.
 */
export const goesShortWay = process.env.TEST_WAY === 'short';
