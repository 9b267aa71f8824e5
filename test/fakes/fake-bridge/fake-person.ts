import type { KeyStatement, SignedStatement } from '../../../protocol/key-statement.ts';
import type { PrePrivateKey, TransformKey } from '../../../recrypt/transform-engine.ts';

export interface FakeDevice {
  readonly label: string;
  readonly endorsement: string;
  /** Augmented: from U′ to the device. */
  readonly transformKey: TransformKey;
}

/** What the fake bridge keeps about a person. */
export interface FakePerson {
  readonly sub: string;
  readonly address: string;
  /** Those that they hold beside the one with keys; each is in the bridge's `persons` for itself. */
  readonly others: string[];
  /** s. */
  share: PrePrivateKey | null;
  signed: SignedStatement | null;
  vault: Uint8Array | null;
  readonly devices: Map<string, FakeDevice>;
  /** The last statement, active or revoked. */
  last: KeyStatement | null;
}

export function newFakePerson(name: string, domain: string): FakePerson {
  return {
    sub: `sub-${name}`,
    address: `${name}@${domain}`,
    others: [],
    share: null,
    signed: null,
    vault: null,
    devices: new Map(),
    last: null,
  };
}
