import type { DeviceSummary } from '../protocol/api.ts';

/**
 * Shown these devices, each of which the person's keys had endorsed, the person says which of them they recognize: their
 * ids, that of this device among them. All others are removed.
 */
export type ConfirmDevices = (
  devices: readonly DeviceSummary[],
) => readonly string[] | Promise<readonly string[]>;

/**
 * Why the person's keys are to be rotated: a device was removed since they were made, or they are old; the recovery key that
 * they are escrowed to was replaced; or the organization demands an escrow by now that they do not have.
 */
export type RotationDue = 'device_removed' | 'scheduled' | 'recovery_key_replaced' | 'escrow_required';

/** What is left to do once a device was approved. */
export interface DeviceApproved {
  /**
   * Null where the keys were rotated first, or none were due. Otherwise the device was admitted under the keys of before,
   * since there was nobody to ask about the person's devices: `rotateKeys` is still to come.
   */
  readonly rotationDue: RotationDue | null;
}

export interface RotationOptions {
  /** In the place of the one that the client was made with. */
  readonly confirmDevices?: ConfirmDevices;
  /**
   * That the organization may recover the keys, where it demands that by now. Without it nothing that the person did not
   * agree to is escrowed: what is due for that reason alone stays due.
   */
  readonly escrow?: OrganizationEscrow;
}

/** Keys that two administrators of the organization can give back together. */
export interface OrganizationEscrow {
  readonly organization: true;
  /** Of the recovery key, as the company hands it out; without it, the one that this device saw first counts. */
  readonly fingerprint?: string;
}
