/** Where it is shown, such as `process.stdout`. */
type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

const clearLine = '\r\x1b[K';

/** Lines that stay, and on a terminal one below them that is written over. */
export class Display {
  readonly isTerminal: boolean;
  readonly #output: Output;
  #status = '';

  constructor(output: Output) {
    this.#output = output;
    this.isTerminal = output.isTTY === true;
  }

  /** Shows a line that stays. */
  say(line: string): void {
    this.#output.write(this.isTerminal ? `${clearLine}${line}\n${this.#cut(this.#status)}` : `${line}\n`);
  }

  /** Shows how things are: on a terminal in place of what was shown before, elsewhere in a line more. */
  show(status: string): void {
    this.#status = status;
    this.#output.write(this.isTerminal ? `${clearLine}${this.#cut(status)}` : `${status}\n`);
  }

  /** Takes the status away. */
  clear(): void {
    if (this.isTerminal && this.#status !== '') this.#output.write(clearLine);
    this.#status = '';
  }

  /** Leaves the status that was shown last where it is. */
  end(): void {
    if (this.isTerminal && this.#status !== '') this.#output.write('\n');
    this.#status = '';
  }

  /** One that wrapped could not be written over. */
  #cut(line: string): string {
    const columns = this.#output.columns || 80; // some terminals say 0
    return line.slice(0, columns - 1);
  }
}
