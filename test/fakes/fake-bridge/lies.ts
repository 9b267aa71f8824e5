import type { DeviceRequest, EnrolmentOffer, EnrolmentResult, Me } from '../../../protocol/api.ts';
import type { KeyHistory } from '../../../protocol/key-history.ts';
import type { KeyStatement } from '../../../protocol/key-statement.ts';
import type { LookUpResponse, LookUpResult } from '../../../protocol/look-up.ts';

/** What the fake bridge tells, before it is signed where it is signed. */
export interface Told {
  offer: EnrolmentOffer;
  enrolled: EnrolmentResult;
  me: Me;
  vault: { vault: string; statement: KeyStatement };
  deviceRequest: DeviceRequest;
  result: LookUpResult;
  response: LookUpResponse;
  /** The signed response. */
  responseToken: string;
  onlineKeysToken: string;
  keyHistory: KeyHistory;
  /** The note of the checkpoint that the log shows everybody. */
  checkpoint: string;
  tokenResponse: Record<string, unknown>;
  callback: URL;
}

/** Changes to what is honest, one for each kind of thing told; a test lies in one of them and in no other. */
export type Lies = { [Kind in keyof Told]?: (honest: Told[Kind]) => Told[Kind] | Promise<Told[Kind]> };

export async function tell<Kind extends keyof Told>(
  lies: Lies,
  kind: Kind,
  honest: Told[Kind],
): Promise<Told[Kind]> {
  const lie = lies[kind];
  return lie === undefined ? honest : lie(honest);
}
