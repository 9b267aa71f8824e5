import { describe, expect, it } from 'vitest';
import {
  ADMISSION_REASONS,
  type AdmissionFacts,
  type AdmissionPolicy,
  type AdmissionReason,
  judgeAdmission,
  parseAdmissionPolicy,
} from '../../../protocol/meetings/admission-policy.ts';
import { ADMISSION_COMPANIES } from '../../../protocol/meetings/limits.ts';
import { codeOf } from '../codes.ts';
import { NOW } from '../company.ts';
import { GLOBEX, HOME } from './meeting.ts';

const HOUR = 3600;
const MFA = { protocol: 'oidc', acr: null, amr: ['pwd', 'otp'], auth_time: NOW - HOUR } as const;
const GWEN: AdmissionFacts = {
  ...{ iss: GLOBEX, address: 'gwen@globex.example', assurance: 'member', level: 'logged' },
  signIn: { ...MFA, amr: [...MFA.amr] },
};
const gwen = (changes: Partial<AdmissionFacts> = {}): AdmissionFacts => ({ ...GWEN, ...changes });
const signedIn = (changes: Partial<NonNullable<AdmissionFacts['signIn']>>) =>
  gwen({ signIn: { ...MFA, amr: [...MFA.amr], ...changes } });

describe('an admission policy', () => {
  it.each<[string, AdmissionPolicy, AdmissionFacts, AdmissionReason[]]>([
    ['nothing, anybody', {}, gwen({ signIn: null, level: 'signed', assurance: 'guest' }), []],
    ['nothing, a gateway', {}, gwen({ assurance: 'gateway' }), ['assurance']],
    ['a gateway by name', { assurances: ['gateway'] }, gwen({ assurance: 'gateway' }), []],
    ['members, a guest', { assurances: ['member', 'room'] }, gwen({ assurance: 'guest' }), ['assurance']],
    ['members, a member', { assurances: ['member', 'room'] }, gwen(), []],
    [
      'her company by its domain',
      { companies: [{ domain: 'acme.example' }, { domain: 'globex.example' }] },
      gwen(),
      [],
    ],
    ['her company by its bridge', { companies: [{ iss: GLOBEX }] }, gwen(), []],
    ['her company by both', { companies: [{ iss: GLOBEX, domain: 'globex.example' }] }, gwen(), []],
    [
      'another bridge for her domain',
      { companies: [{ iss: HOME, domain: 'globex.example' }] },
      gwen(),
      ['company'],
    ],
    [
      'another domain of her bridge',
      { companies: [{ iss: GLOBEX, domain: 'other.example' }] },
      gwen(),
      ['company'],
    ],
    ['a third company', { companies: [{ iss: HOME }, { domain: 'initech.example' }] }, gwen(), ['company']],
    ['a domain below hers', { companies: [{ domain: 'sub.globex.example' }] }, gwen(), ['company']],
    ['a sign-in of now', { sign_in: { max_age: HOUR } }, gwen(), []],
    ['a sign-in that is a second too old', { sign_in: { max_age: HOUR - 1 } }, gwen(), ['sign_in_old']],
    [
      'a sign-in after the moment that counts',
      { sign_in: { max_age: 60 } },
      signedIn({ auth_time: NOW + HOUR }),
      [],
    ],
    [
      'an age of which nothing is told',
      { sign_in: { max_age: HOUR } },
      signedIn({ auth_time: null }),
      ['sign_in_untold'],
    ],
    [
      'a sign-in of which nothing is told',
      { sign_in: { multi_factor: true } },
      gwen({ signIn: null }),
      ['sign_in_untold'],
    ],
    ['several factors', { sign_in: { multi_factor: true } }, gwen(), []],
    [
      'several factors, one',
      { sign_in: { multi_factor: true } },
      signedIn({ amr: ['pwd'] }),
      ['single_factor'],
    ],
    [
      'several factors by its context',
      { sign_in: { multi_factor: true } },
      signedIn({ amr: [], acr: 'https://refeds.org/profile/mfa' }),
      [],
    ],
    ['a context', { sign_in: { acr: ['loa3', 'loa4'] } }, signedIn({ acr: 'loa4' }), []],
    [
      'another context',
      { sign_in: { acr: ['loa3', 'loa4'] } },
      signedIn({ acr: 'loa2' }),
      ['sign_in_context'],
    ],
    ['a context of which nothing is told', { sign_in: { acr: ['loa3'] } }, gwen(), ['sign_in_context']],
    ['her level', { level: 'logged' }, gwen(), []],
    ['a higher level', { level: 'witnessed' }, gwen(), ['level']],
    [
      'much that she has not, which is said in one order',
      {
        level: 'audited',
        companies: [{ iss: HOME }],
        assurances: ['room'],
        sign_in: { max_age: 60, multi_factor: true },
      },
      signedIn({ amr: ['pwd'] }),
      ['company', 'assurance', 'sign_in_old', 'single_factor', 'level'],
    ],
  ])('that demands %s', (_what, policy, facts, reasons) => {
    expect(parseAdmissionPolicy(policy)).toEqual(policy);
    expect(judgeAdmission(policy, facts, NOW)).toEqual(reasons);
  });

  it.each<[string, unknown]>([
    ['with a member that nobody knows', { countries: ['ch'] }],
    ['with an unknown member in what is known', { sign_in: { max_age: HOUR, min_age: 60 } }],
    ['with a company that has no name', { companies: [{}] }],
    ['with no company at all', { companies: [] }],
    ['with more companies than are taken', { companies: Array(ADMISSION_COMPANIES + 1).fill({ iss: HOME }) }],
    ['with a domain in another form', { companies: [{ domain: 'Globex.example' }] }],
    ['with a bridge that is no entity id', { companies: [{ iss: 'http://bridge.globex.example' }] }],
    ['with no assurance at all', { assurances: [] }],
    ['with an assurance twice', { assurances: ['member', 'member'] }],
    ['with an assurance that there is not', { assurances: ['friend'] }],
    ['with a demand on sign-ins that demands nothing', { sign_in: {} }],
    ['with several factors forbidden', { sign_in: { multi_factor: false } }],
    ['with an age below a minute', { sign_in: { max_age: 59 } }],
    ['with an age of many years', { sign_in: { max_age: 40 * 366 * 86_400 } }],
    ['with an empty context', { sign_in: { acr: [''] } }],
    ['with a level that there is not', { level: 'trusted' }],
    ['that is no object', 'members only'],
  ])('is refused %s', async (_what, policy) => {
    expect(await codeOf(async () => parseAdmissionPolicy(policy))).toBe('admission_invalid');
  });

  it('has a sentence for each reason', () => {
    for (const sentence of Object.values(ADMISSION_REASONS)) expect(sentence).toMatch(/^[A-Z].*\.$/);
  });
});
