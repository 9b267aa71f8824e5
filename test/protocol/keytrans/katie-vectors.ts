import { vectorJson } from '../tlog/vectors.ts';

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

export const readKatie = () => vectorJson<KatieVectors>('keytrans/prefix-tree-katie-generated.json');
