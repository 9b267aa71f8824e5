import { createAssets } from './assets/create-assets.ts';
import { createBridgeApi } from './bridge-api.ts';
import type { Client } from './client.ts';
import type { ClientOptions } from './client-options.ts';
import { createContext } from './context.ts';
import { requestDevice } from './device-addition.ts';
import { approveDevice, listDeviceRequests, refuseDevice } from './device-approval.ts';
import { loadSecrets } from './device-secrets.ts';
import { createDpopFetch } from './dpop-fetch.ts';
import { enrol } from './enrol.ts';
import { createGroups } from './groups/create-groups.ts';
import { loadOnDemand } from './load-on-demand.ts';
import { keptSplitViews } from './log-pins.ts';
import { lookUp } from './look-up.ts';
import { createMeetings } from './meetings/create-meetings.ts';
import { acceptChangedKey, acceptChangedRoot, verifyShownCredential } from './offline.ts';
import { describeAccount } from './own-account.ts';
import { createOwnOnlineKeys } from './own-online-keys.ts';
import { createPresence, verifyShownPresence } from './presence.ts';
import { createSession } from './session.ts';
import { watch } from './watch.ts';

/** The client of one account at one bridge. Nothing is sent or stored before a method is called. */
export function createClient(options: ClientOptions): Client {
  const context = createContext(options);
  const dpopFetch = createDpopFetch(context);
  const session = createSession(context, dpopFetch);
  const api = createBridgeApi(context, session, dpopFetch);
  const parts = { context, api, ownKeys: createOwnOnlineKeys(context) };

  return {
    beginSignIn: (request) => session.begin(request),
    completeSignIn: (callbackUrl, pending) => session.complete(callbackUrl, pending),
    signInWithDeviceCode: (request) => session.withDeviceCode(request),
    signInWithKey: (key) => session.withKey(key),
    signedIn: async () => (await loadSecrets(context))?.tokens != null,
    signOut: (request) => session.end(request),

    me: () => describeAccount(parts),
    enrol: (request) => enrol(parts, request),
    recoverDevice: async (request) => (await loadOnDemand()).recoverDevice(parts, request),

    requestRecovery: async (request) => (await loadOnDemand()).requestRecovery(parts, request),

    requestDevice: (request) => requestDevice(parts, request),
    listDeviceRequests: () => listDeviceRequests(parts),
    approveDevice: (id, comparison, request) => approveDevice(parts, id, comparison, request),
    refuseDevice: (id) => refuseDevice(parts, id),
    removeDevice: (deviceId) => api.act('DELETE', `/v1/devices/${encodeURIComponent(deviceId)}`),

    rotateKeys: async (request) => (await loadOnDemand()).rotateKeys(parts, request),
    rotateIfDue: async (request) => (await loadOnDemand()).rotateIfDue(parts, request),
    tendKeys: async (request) => (await loadOnDemand()).tendKeys(parts, request),
    rotateDevice: async () => (await loadOnDemand()).rotateDevice(parts),

    lookUp: (addresses, request) => lookUp(parts, addresses, request),
    keyHistory: async (request) => (await loadOnDemand()).readKeyHistory(parts, request?.address),
    monitorOwnKeys: async (request) => (await loadOnDemand()).monitorOwnKeys(parts, request),
    checkOwnKeys: async (request) => (await loadOnDemand()).checkOwnKeys(parts, request),
    checkLog: async (issuer) => (await loadOnDemand()).checkLog(context, issuer ?? context.issuer),
    checkTrust: async (issuer) => (await loadOnDemand()).checkTrust(parts, issuer),
    splitViews: () => keptSplitViews(context),
    watch: (addresses, request) => watch(parts, addresses, request),
    acceptChangedKey: (change) => acceptChangedKey(context, change),
    acceptChangedRoot: (entityId, root) => acceptChangedRoot(context, entityId, root),
    verifyOffline: async (credential, address) =>
      (await verifyShownCredential(context, credential, address)).answer,

    policy: {
      bundle: async (which) => (await loadOnDemand()).readPolicyBundle(parts, which),
      of: async (credential) => (await loadOnDemand()).readPolicyOf(parts, credential),
    },

    createPresence: (request) => createPresence(parts, request),
    verifyPresence: (shown, expected) => verifyShownPresence(context, shown, expected),

    groups: createGroups(parts),
    assets: createAssets(parts),
    meetings: createMeetings(parts),
  };
}
