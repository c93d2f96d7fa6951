import type { Engine } from '../../src/engine/index.ts';

/** Reads that an engine has begun, and that are answered once they are let go. */
export class HeldReads {
  begun = 0;
  readonly #engine: Engine;
  readonly #readEach: Engine['readEach'];
  readonly #readPacked: Engine['readPacked'];
  readonly #held = Promise.withResolvers<void>();

  /** Holds every read from now on. */
  constructor(engine: Engine) {
    const { readEach, readPacked } = engine;
    this.#engine = engine;
    this.#readEach = readEach;
    this.#readPacked = readPacked;
    engine.readEach = async (...args) => {
      await this.#hold();
      return readEach.apply(engine, args);
    };
    engine.readPacked = async (...args) => {
      await this.#hold();
      return readPacked.apply(engine, args);
    };
  }

  /** Answers those that are held, and lets later ones pass. */
  letGo(): void {
    this.#engine.readEach = this.#readEach;
    this.#engine.readPacked = this.#readPacked;
    this.#held.resolve();
  }

  #hold(): Promise<void> {
    this.begun++;
    return this.#held.promise;
  }
}
