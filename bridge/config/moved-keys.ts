/** What to do about a setting that policy decides now, in place of the configuration. */
const APPLY = 'take it out here, and bring that policy into force with `countersign policy apply`';
const inData = (name: string) =>
  `is policy now: set lifetimes.${name} (seconds) in policies/data.json, ${APPLY}`;

/** Settings of earlier releases, and where they live now. */
export const MOVED_KEYS: Readonly<Record<string, string>> = {
  'lifetimes.binding_hours': inData('binding and lifetimes.device_binding'),
  'lifetimes.person_keys_days': inData('person_keys'),
  'lifetimes.group_keys_days': inData('group_keys'),
  'lifetimes.lookup_max_age_seconds': inData('look_up_max_age'),
  enrolment:
    'is policy now: the limit of devices (max_devices) stands in policies/devices.cedar and policies/enrolment.cedar, ' +
    `the second factor (require_mfa) in policies/enrolment.cedar; ${APPLY}`,
};
