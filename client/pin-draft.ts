import type { OnlineKeys } from '../protocol/online-keys.ts';
import type { AddressPin, IssuerPin, LogPin, Pins, RevokedPin } from './pin-store.ts';

/** Pins while a look-up is verified: a thousand changes are stored at once, or none. */
export interface PinDraft {
  issuer(entityId: string): IssuerPin | undefined;
  /** Everybody whose pinned record names this domain. */
  issuersOf(domain: string): IssuerPin[];
  address(address: string): AddressPin | undefined;
  setIssuer(pin: IssuerPin): void;
  setAddress(address: string, pin: AddressPin): void;
  /** What was revoked at this address before any key of it was seen. */
  revoked(address: string): RevokedPin | undefined;
  setRevoked(address: string, pin: RevokedPin): void;
  log(entityId: string): LogPin | undefined;
  setLog(entityId: string, pin: LogPin): void;
  /** Serials never go back; what is compromised is the word of the newest. */
  sawOnlineKeys(entityId: string, keys: Pick<OnlineKeys, 'serial' | 'compromised'>): void;
  readonly own: Pins['own'];
  /** The pins with the changes; the very same object if there are none. */
  pins(): Pins;
}

export function createPinDraft(before: Pins): PinDraft {
  const issuers = new Map(Object.entries(before.issuers));
  const addresses = new Map(Object.entries(before.addresses));
  const revoked = new Map(Object.entries(before.revoked ?? {}));
  const logs = new Map(Object.entries(before.logs));
  let changed = false;

  function set<Pin>(pins: Map<string, Pin>, name: string, pin: Pin): void {
    if (JSON.stringify(pins.get(name)) === JSON.stringify(pin)) return;
    pins.set(name, pin);
    changed = true;
  }

  return {
    own: before.own,
    issuer: (entityId) => issuers.get(entityId),
    issuersOf: (domain) => [...issuers.values()].filter(({ domains }) => domains.includes(domain)),
    address: (address) => addresses.get(address),
    setIssuer: (pin) => set(issuers, pin.entity_id, pin),
    setAddress: (address, pin) => set(addresses, address, pin),
    revoked: (address) => revoked.get(address),
    setRevoked: (address, pin) => set(revoked, address, pin),
    log: (entityId) => logs.get(entityId),
    setLog: (entityId, pin) => set(logs, entityId, pin),
    sawOnlineKeys(entityId, { serial, compromised }) {
      const pin = issuers.get(entityId);
      if (pin === undefined || serial < pin.serial) return;
      const { compromised: _, ...rest } = pin;
      set(issuers, entityId, { ...rest, serial, ...(compromised.length === 0 ? {} : { compromised }) });
    },
    pins: () =>
      changed
        ? {
            ...before,
            ...{ issuers: Object.fromEntries(issuers), addresses: Object.fromEntries(addresses) },
            logs: Object.fromEntries(logs),
            ...(revoked.size === 0 ? {} : { revoked: Object.fromEntries(revoked) }),
          }
        : before,
  };
}
