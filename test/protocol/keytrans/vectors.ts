import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Public test vectors lie beside the repository, not in it. */
const FOLDER = process.env.COUNTERSIGN_VECTORS ?? '../shared/vectors';

/** Why the tests that read vectors cannot run here, or undefined. */
export const NO_VECTORS = existsSync(FOLDER) ? undefined : `there are no test vectors at ${FOLDER}`;

if (NO_VECTORS !== undefined) console.warn(`Skipping tests: ${NO_VECTORS}`);

/** One file of vectors, as its own shape says. */
export function readVectors<Shape>(file: string): Shape {
  return JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
}

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** What Katie made: the prefix trees of seven epochs, searches in them, VRF outputs and commitments. */
export interface KatieVectors {
  readonly Epochs: readonly {
    added: [string, string][];
    RootBefore: string;
    Root: string;
    AuditProof: string;
  }[];
  readonly Searches: readonly {
    readonly Epoch: number;
    readonly Outputs: string[];
    readonly Commitments: string[];
    readonly Inclusion: boolean[];
    readonly Depth: number[];
    readonly Proof: string;
  }[];
  readonly Vrf: readonly {
    label: string;
    output: string;
    proof: string;
    version: number;
    vrfInput: string;
  }[];
  readonly Commit: readonly {
    readonly commitment: string;
    readonly label: string;
    readonly opening: string;
    readonly value: string;
    readonly version: string;
  }[];
}

export const readKatie = () => readVectors<KatieVectors>('keytrans/prefix-tree-katie-generated.json');
