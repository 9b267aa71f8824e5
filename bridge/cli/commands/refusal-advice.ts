const CLOCKS = 'Set the clocks of the identity provider and of this bridge by NTP, and sign in again.';

/** By the code of a refused sign-in: what the administrator does, where it is mostly one thing. */
const ADVICE: Readonly<Record<string, string>> = {
  no_address:
    'Prove the domain with `countersign domain add`, give it to the connection, or mend the address at the provider.',
  address_taken: 'See who holds the address with `countersign person list`.',
  oidc_email_unverified:
    'Have the provider vouch for addresses, or trust those that it asserts on your own domains (--trust-addresses).',
  oidc_expired: CLOCKS,
  saml_expired: CLOCKS,
  saml_not_yet_valid: CLOCKS,
  saml_audience: 'Enter this connection’s entity ID at the provider: `countersign connection show ID`.',
  saml_signature:
    'Compare the provider’s signing certificate with its metadata: `countersign connection test ID`.',
  oidc_token_endpoint: 'Compare client ID and secret with the provider’s, and how it wants the secret sent.',
};

export function adviceOnRefusal(code: string): string | null {
  return Object.hasOwn(ADVICE, code) ? (ADVICE[code] ?? null) : null;
}
