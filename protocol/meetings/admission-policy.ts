import * as z from 'zod/mini';
import { parseAddress } from '../address.ts';
import { type Assurance, assurance, domainName, entityId } from '../claims.ts';
import { LEVELS, type Level } from '../credential.ts';
import { CountersignError } from '../errors.ts';
import type { IdentityAttributes } from '../identity-attributes.ts';
import { isMultiFactor } from '../multi-factor.ts';
import { ADMISSION_COMPANIES, ADMISSION_CONTEXTS } from './limits.ts';

/** A company by its bridge, by a domain of its people's addresses, or by both, which must then both hold. */
const company = z
  .strictObject({ iss: z.optional(entityId), domain: z.optional(domainName) })
  .check(z.refine(({ iss, domain }) => iss !== undefined || domain !== undefined));

/**
 * Who may be in a meeting. What is absent does not restrict, with one exception: gateways are out unless `assurances`
 * names them, since behind a gateway others listen. An unknown member is refused: it might restrict.
 */
export const admissionPolicySchema = z.strictObject({
  /** Any of them. */
  companies: z.optional(z.array(company).check(z.minLength(1), z.maxLength(ADMISSION_COMPANIES))),
  /** Any of them. */
  assurances: z.optional(
    z.array(assurance).check(z.minLength(1), z.maxLength(assurance.options.length), z.refine(areDistinct)),
  ),
  /** How they signed in, as their company's identity provider says. All that is there must hold. */
  sign_in: z.optional(
    z
      .strictObject({
        /** Seconds since they authenticated, at most. A year at most: what is older restricts nothing. */
        max_age: z.optional(z.int().check(z.gte(60), z.lte(366 * 86_400))),
        multi_factor: z.optional(z.literal(true)),
        /** Accepted authentication contexts: any of them. */
        acr: z.optional(
          z
            .array(z.string().check(z.minLength(1), z.maxLength(512)))
            .check(z.minLength(1), z.maxLength(ADMISSION_CONTEXTS), z.refine(areDistinct)),
        ),
      })
      .check(z.refine((demands) => Object.values(demands).some((demand) => demand !== undefined))),
  ),
  /** How much their credential proves, at least; every verifier's own policy for logs says what it reaches. */
  level: z.optional(z.enum(LEVELS)),
});

export type AdmissionPolicy = z.infer<typeof admissionPolicySchema>;

/** What was verified of somebody, and nothing else. */
export interface AdmissionFacts {
  /** Their bridge. */
  readonly iss: string;
  readonly address: string;
  readonly assurance: Assurance;
  readonly level: Level;
  /** As their company tells this verifier; null where it tells nothing. */
  readonly signIn: NonNullable<IdentityAttributes['sign_in']> | null;
}

/** Why somebody is not admitted: words that stay, with a sentence for people. */
export const ADMISSION_REASONS = {
  company: 'Their company is not one of those that may take part.',
  assurance: 'Participants of their kind may not take part.',
  sign_in_untold: 'Their company does not say how they signed in.',
  sign_in_old: 'They signed in too long ago.',
  single_factor: 'They did not sign in with several factors.',
  sign_in_context: 'They did not sign in by one of the ways that are accepted.',
  level: 'Their key is not proven as far as this meeting demands.',
} as const;

export type AdmissionReason = keyof typeof ADMISSION_REASONS;

/** The form of a policy that somebody wrote. Throws `admission_invalid`. */
export function parseAdmissionPolicy(value: unknown): AdmissionPolicy {
  const parsed = admissionPolicySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'policy'}: ${message}`);
  throw new CountersignError('admission_invalid', places.join('; '));
}

/**
 * Why these facts do not satisfy the policy, in the order of `ADMISSION_REASONS`; empty for who is admitted. What is not
 * told does not satisfy. `at`: as of when, seconds.
 */
export function judgeAdmission(
  policy: AdmissionPolicy,
  facts: AdmissionFacts,
  at: number,
): AdmissionReason[] {
  const refusals: Record<AdmissionReason, boolean> = {
    company: !isOfCompany(policy.companies, facts),
    assurance: !(policy.assurances?.includes(facts.assurance) ?? facts.assurance !== 'gateway'),
    ...judgeSignIn(policy.sign_in, facts.signIn, at),
    level: policy.level !== undefined && LEVELS.indexOf(facts.level) < LEVELS.indexOf(policy.level),
  };
  return admissionReasons.filter((reason) => refusals[reason]);
}

const admissionReasons = Object.keys(ADMISSION_REASONS) as AdmissionReason[];

function isOfCompany(companies: AdmissionPolicy['companies'], { iss, address }: AdmissionFacts): boolean {
  if (companies === undefined) return true;
  const { domain } = parseAddress(address);
  return companies.some(
    (each) => (each.iss ?? iss) === iss && (each.domain === undefined || each.domain === domain),
  );
}

function judgeSignIn(demands: AdmissionPolicy['sign_in'], signIn: AdmissionFacts['signIn'], at: number) {
  const { max_age: maxAge, multi_factor: multiFactor, acr } = demands ?? {};
  const authTime = signIn?.auth_time ?? null;
  return {
    sign_in_untold: demands !== undefined && (signIn === null || (maxAge !== undefined && authTime === null)),
    // Who signed in again since `at` did so late enough.
    sign_in_old: maxAge !== undefined && authTime !== null && at - authTime > maxAge,
    single_factor: multiFactor === true && signIn !== null && !isMultiFactor(signIn),
    sign_in_context: acr !== undefined && signIn !== null && !acr.some((each) => each === signIn.acr),
  };
}

function areDistinct(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}
