import type Provider from 'oidc-provider';
import type { SignedIn } from '../identity/sign-in.ts';
import type { Transaction } from '../storage/database.ts';
import type { App } from './app.ts';

/** What a person who typed a user code may see of it. */
export interface PendingDeviceCode {
  readonly userCode: string;
  readonly app: Pick<App, 'id' | 'name'>;
}

/** The person's side of the device grant (RFC 8628 §3.3). */
export interface DeviceCodes {
  /** `typed` as a person typed it, attacker-controlled; nothing for a code that is none, is over or was decided. */
  find(typed: string): Promise<PendingDeviceCode | undefined>;
  /**
   * Gives the device its grant; `report` runs in the transaction that stores it, before the device can get it. False where the
   * code is over or was decided meanwhile.
   */
  approve(userCode: string, signedIn: SignedIn, report: Report): Promise<boolean>;
  refuse(userCode: string): Promise<boolean>;
}

/** Writes what happened, with the change. */
export type Report = (tx: Transaction) => Promise<void>;

export interface DeviceCodesDeps {
  readonly provider: Provider;
  readonly findApp: (id: string) => Promise<App | undefined>;
  /** Answers the id of a new grant. */
  readonly saveGrant: (clientId: string, signedIn: SignedIn, report: Report) => Promise<string>;
  /** Of two that decide at once, one is told `true`. */
  readonly decideOnce: (userCode: string) => Promise<boolean>;
  readonly scope: string;
  readonly resource: string;
}

export function createDeviceCodes(deps: DeviceCodesDeps): DeviceCodes {
  const { provider, findApp } = deps;

  async function undecided(userCode: string) {
    const code = await provider.DeviceCode.findByUserCode(userCode);
    if (code === undefined || code.isExpired || code.error !== undefined || code.accountId !== undefined) {
      return undefined;
    }
    const app = code.clientId === undefined ? undefined : await findApp(code.clientId);
    return app === undefined ? undefined : { code, app };
  }

  return {
    async find(typed) {
      const userCode = normalized(typed);
      const found = userCode === undefined ? undefined : await undecided(userCode);
      if (userCode === undefined || found === undefined) return undefined;
      return { userCode, app: { id: found.app.id, name: found.app.name } };
    },

    async approve(userCode, signedIn, report) {
      const found = await undecided(userCode);
      if (found === undefined || !(await deps.decideOnce(userCode))) return false;
      const grantId = await deps.saveGrant(found.app.id, signedIn, report);
      Object.assign(found.code, {
        ...{ accountId: signedIn.sub, grantId, scope: deps.scope, resource: deps.resource },
      });
      await found.code.save();
      return true;
    },

    async refuse(userCode) {
      const found = await undecided(userCode);
      if (found === undefined || !(await deps.decideOnce(userCode))) return false;
      Object.assign(found.code, { error: 'access_denied', errorDescription: 'The person refused.' });
      await found.code.save();
      return true;
    },
  };
}

/** Eight letters without vowels, however the person separates and writes them. */
function normalized(typed: string): string | undefined {
  if (typed.length > 32) return undefined;
  const letters = typed.toUpperCase().replace(/[^A-Z]/g, '');
  return /^[B-DF-HJ-NP-TV-XZ]{8}$/.test(letters) ? letters : undefined;
}

/** As it is shown. */
export function inGroups(userCode: string): string {
  return `${userCode.slice(0, 4)}-${userCode.slice(4)}`;
}
