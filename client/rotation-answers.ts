import type { DeviceSummary } from '../protocol/api.ts';

/**
 * Shown these devices, each of which the person's keys had endorsed, the person says which of them they recognize: their
 * ids, that of this device among them. All others are removed.
 */
export type ConfirmDevices = (
  devices: readonly DeviceSummary[],
) => readonly string[] | Promise<readonly string[]>;

/** Why the person's keys are to be rotated: a device was removed since they were made, or they are old. */
export type RotationDue = 'device_removed' | 'scheduled';

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
}
