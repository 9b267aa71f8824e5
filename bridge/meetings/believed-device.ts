import { findDevice } from '../directory/devices.ts';
import type { Reader } from '../directory/handle.ts';
import { findPartner } from '../federation/partner-store.ts';
import type { ProvingDevice } from './presence-evidence.ts';

/** Whether neither the device, if it is of `home`, nor the partner that vouches for it was restricted since it was verified. */
export async function isBelieved(
  reader: Reader,
  home: string,
  { iss, sub, deviceId }: ProvingDevice,
): Promise<boolean> {
  if (iss === home) return (await findDevice(reader, deviceId))?.sub === sub;
  return (await findPartner(reader, iss))?.status === 'active';
}
