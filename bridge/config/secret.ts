import { inspect } from 'node:util';

/** Where a secret is read from: an environment variable or a file. Never the configuration itself. */
export type SecretSource = { env: string } | { file: string };

/** A secret that shows only where it came from, however it is printed. `reveal` is the one way to its value. */
export class Secret {
  readonly source: SecretSource;
  readonly #value: string;

  constructor(source: SecretSource, value: string) {
    this.source = source;
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toJSON(): SecretSource {
    return this.source;
  }

  toString(): string {
    return 'env' in this.source ? `secret from $${this.source.env}` : `secret from ${this.source.file}`;
  }

  [inspect.custom](): string {
    return `[${this.toString()}]`;
  }
}
