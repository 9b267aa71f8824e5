import { type KeyStatement, type SignedStatement, statementBytes } from '../../../protocol/key-statement.ts';
import { logOrigin } from '../../../protocol/tlog/checkpoint.ts';
import { hashLeaf } from '../../../protocol/tlog/merkle.ts';
import { parseTilePath, TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import type { Company } from '../../protocol/company.ts';
import { type Cosignature, rawSigner, SmallKeyLog } from '../../protocol/keytrans/small-key-log.ts';
import { nodeOf } from '../../protocol/tlog/small-tree.ts';
import type { FakeAnswer } from './fake-requests.ts';
import { type Lies, tell } from './lies.ts';

/** A company's key log in memory: what is stapled is logged first, an epoch for each version. */
export class FakeLog {
  readonly company: Company;
  small: SmallKeyLog;
  /** Who cosigns each checkpoint, and when. */
  cosigners: readonly Cosignature[] = [];
  readonly #logged = new Map<string, number>();

  constructor(company: Company) {
    this.company = company;
    this.small = new SmallKeyLog(logOrigin(company.iss));
  }

  /** Logs a version of an address, and closes the epoch. `time` in seconds. */
  add(statement: KeyStatement, time: number): void {
    this.small.add(statement.address, statement.version, statementBytes(statement));
    this.#logged.set(nameOf(statement), time);
    this.small.closeEpoch(time);
  }

  ensure(statement: KeyStatement, now: number): void {
    if (!this.#logged.has(nameOf(statement))) this.add(statement, now);
  }

  /** When a version was logged, seconds. */
  timeOf(statement: KeyStatement): number | null {
    return this.#logged.get(nameOf(statement)) ?? null;
  }

  /** An epoch in which nothing happened to anybody that a test looks at. */
  grow(time: number): void {
    this.small.add(`somebody-${this.small.entries.length}@example.com`, 0, new Uint8Array(1));
    this.small.closeEpoch(time);
  }

  /** The same log up to now, which can go on otherwise. */
  fork(): FakeLog {
    const other = new FakeLog(this.company);
    other.small = this.small.fork();
    other.cosigners = this.cosigners;
    for (const [name, time] of this.#logged) other.#logged.set(name, time);
    return other;
  }

  note(size?: number): Promise<string> {
    return this.small.note(rawSigner(this.small.origin, this.company.keys.log), this.cosigners, size);
  }

  async stapleOf({ statement }: SignedStatement, now: number): Promise<{ log_proof: string }> {
    this.ensure(statement, now);
    return { log_proof: this.small.staple(await this.note(), statement.address, statement.version) };
  }

  /** What stands under a path of the log. */
  async answer(path: string, lies: Lies): Promise<FakeAnswer> {
    if (path === 'checkpoint') {
      if (this.small.entries.length < 2) return { status: 404 };
      return { status: 200, body: await tell(lies, 'checkpoint', await this.note()) };
    }
    const tile = this.#tile(path);
    return tile === null ? { status: 404 } : { status: 200, body: tile };
  }

  #tile(path: string): Uint8Array | null {
    const tile = parseTilePath(path);
    if (tile === undefined || tile.level !== 0) return null;
    const first = tile.index * TILE_WIDTH;
    const leaves = this.small.entries.map((entry) => hashLeaf(entry));
    if (first + tile.width > leaves.length) return null;
    return Buffer.concat(
      leaves.slice(first, first + tile.width).map((_, at) => nodeOf(leaves, { level: 0, index: first + at })),
    );
  }
}

function nameOf({ address, version }: KeyStatement): string {
  return `${address} ${version}`;
}
