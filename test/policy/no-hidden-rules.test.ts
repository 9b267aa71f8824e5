import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What a rule beside the policy would look like: somebody's role, assurance, kind or device held against a value. */
const COMPARISONS = [
  /[rR]ole\s*[!=]==?\s*'/,
  /[rR]oles\)?\??\.(includes|some|every|has)\(/,
  /assurance\s*[!=]==?\s*'/,
  /\.(includes|has)\([^()]*assurance\)/,
  /principal\.kind\s*[!=]==?/,
  /\b(who|holder)\.endorsed\b/,
];

const HIDES =
  'policy is told what they are in the group; to whoever is nothing in it there is no such group (PROTOCOL §10)';
const NAMES = 'says which code a refusal has that policy has decided';
const TELLS = 'policy is told by it, or they are; nothing is allowed or refused';

/** Each line that looks like one and is none, with why. */
const NO_RULES: Readonly<Record<string, string>> = {
  "groups/admin-access.ts: if (group === undefined || role === 'none') throw new CountersignError('group_unknown');":
    HIDES,
  "groups/group-views.ts: if (role === 'none' || !isSeenBy(who, group, role)) continue;": HIDES,
  "groups/group-views.ts: if (role === 'none') throw new CountersignError(await whyNone(reader, group, person));":
    HIDES,
  "groups/member-pages.ts: if (role === 'none') throw new CountersignError(await whyNone(query, group, person));":
    HIDES,
  "groups/memberships.ts: if (groupRole === 'none') throw new CountersignError(await whyNone(reader, group, person));":
    HIDES,
  "groups/sealed-key-deposits.ts: if (found === undefined || groupRole === 'none') throw new CountersignError('group_unknown');":
    HIDES,
  "groups/sealed-key-deposits.ts: const mayKnow = groupRole !== 'none' || named;": HIDES,
  "meetings/partner-requests.ts: if (role === 'none') {": HIDES,
  "groups/admin-access.ts: throw deniedBy(request, decision, role === 'admin' ? 'forbidden' : 'group_not_admin');":
    NAMES,
  "meetings/attendance.ts: throw deniedBy(request, decision, role === 'none' ? 'group_unknown' : 'forbidden');":
    NAMES,
  "groups/group-views.ts: const due = role === 'admin' ? await rotationDueSince(query, group, { life, now }) : undefined;":
    TELLS,
  "groups/group-views.ts: const gone = role === 'admin' && (await isSignerGone(query, group));": TELLS,
  "identity/sign-ins.ts: .filter(({ assurance }) => (assurance === 'room') === (whose === 'rooms'))":
    'which connections a page shows; through which one may sign in, policy decides',
  "meetings/attendance.ts: if (role === 'admin') return { meeting: found, role };": TELLS,
  "meetings/attendance.ts: if (role === 'member') return { meeting: found, role };": TELLS,
  "meetings/told-messages.ts: const reading: Reading = { iss, deviceId: who.deviceId, admin: role === 'admin' };":
    'which messages are meant for them: the host’s are for admins',
  "meetings/rekeys.ts: if (role !== 'admin') throw new CountersignError('group_not_admin');":
    'every member’s device refuses what no admin signed (PROTOCOL §11): no policy could make it count',
  'binding/device-asking.ts: return stored.filter((one) => who.endorsed || one.device_id === who.deviceId).map(view);':
    'policy decided that they see their own; a device that only signed in has no other request but its own',
  'binding/device-request-access.ts: const isParty = stored?.sub === who.sub && (stored.device_id === who.deviceId || who.endorsed);':
    'to all others there is no such request; what they may do with it is decided after that',
  "binding/enrolment-offer.ts: const isService = ['gateway', 'recorder', 'bot'].includes(person.assurance);":
    'whose keys have to be escrowed is a setting of the installation: services have no keys that anybody could recover',
  "binding/escrow-coverage.ts: return !['gateway', 'recorder', 'bot'].includes(assurance);":
    'the same setting, as the report on escrows counts',
  'lifecycle/log-recovery.ts: if (SERVICES.has(assurance)) await restrictions.closePerson(sub, REASON, SYSTEM);':
    'what a lost version takes back is no act that policy could permit: a service cannot enrol anew by itself',
  "oauth/device-sign-ins.ts: if (room.person?.assurance !== 'room' || address === undefined) {":
    'a code that somebody shows you must never sign you in yourself: what this way of signing in is for, whoever permits more',
};

const root = new URL('../../bridge/', import.meta.url);

/** Where a decision is made, tried out, or told in words, its parts are looked at. */
const ABOUT_POLICY = /^(policy\/|lifecycle\/(policy-|population))/;

function suspicious(): string[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return files
    .filter((file) => !ABOUT_POLICY.test(file))
    .flatMap((file) =>
      readFileSync(new URL(file, root), 'utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => COMPARISONS.some((comparison) => comparison.test(line)))
        .map((line) => `${file}: ${line}`),
    );
}

describe('the bridge', () => {
  it('has no rule beside the policy: what looks like one is named here, with why it is none', () => {
    expect([...new Set(suspicious())].sort()).toEqual(Object.keys(NO_RULES).sort());
  });
});
