/** What an identity provider said of a sign-in. */
export interface SignInStatement {
  readonly acr: string | null;
  readonly amr: readonly string[];
}

/** Something known, and something had or being (RFC 8176 §2). */
const KNOWN = new Set(['pwd', 'pin', 'kba']);
const HAD = new Set(['otp', 'hwk', 'swk', 'sms', 'tel', 'sc', 'pop', 'fpt', 'face', 'iris', 'retina', 'vbm']);

/** Authentication contexts that stand for several factors: OASIS SAML, Microsoft, REFEDS. */
const CONTEXTS = new Set([
  'urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered',
  'urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract',
  'urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI',
  'urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken',
  'http://schemas.microsoft.com/claims/multipleauthn',
  'https://refeds.org/profile/mfa',
]);

/** Whether the IdP said that more than one factor was used. What it does not say counts as one. */
export function isMultiFactor({ acr, amr }: SignInStatement): boolean {
  if (amr.includes('mfa')) return true;
  if (amr.some((method) => KNOWN.has(method)) && amr.some((method) => HAD.has(method))) return true;
  return [...amr, ...(acr === null ? [] : [acr])].some((context) => CONTEXTS.has(context));
}
