import { readFileSync } from 'node:fs';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecretFile?: string;
  readonly authentication: string;
  readonly addressClaim: string;
  readonly subjectClaim: string;
  readonly trustAddresses?: boolean;
}

export interface SamlOptions {
  readonly metadataUrl?: string;
  readonly metadataFile?: string;
  readonly addressAttribute?: readonly string[];
  readonly subjectAttribute?: string;
  readonly wantEncrypted?: boolean;
}

/** The settings that the admin API takes, from a command line's options. */
export async function oidcSettings(terminal: Terminal, options: OidcOptions): Promise<unknown> {
  const { issuer, clientId, authentication: method, addressClaim, subjectClaim } = options;
  const secret = method === 'none' ? {} : { secret: await clientSecret(terminal, options) };
  return {
    issuer,
    clientId,
    authentication: { method, ...secret },
    claims: { address: addressClaim, subject: subjectClaim },
    emailVerified: emailVerifiedOf(options.trustAddresses === true),
  };
}

export function emailVerifiedOf(trustAddresses: boolean): string {
  return trustAddresses ? 'trusted-domain' : 'required';
}

export function samlSettings(options: SamlOptions): unknown {
  const { addressAttribute, subjectAttribute, wantEncrypted } = options;
  return {
    idp: { metadata: metadataOf(options) },
    ...(addressAttribute === undefined ? {} : { attributes: { address: addressAttribute } }),
    ...(subjectAttribute === undefined ? {} : { subject: { attribute: subjectAttribute } }),
    ...(wantEncrypted === true ? { wantEncrypted } : {}),
  };
}

export function metadataOf({ metadataUrl, metadataFile }: SamlOptions): object {
  if ((metadataUrl === undefined) === (metadataFile === undefined)) {
    throw new UsageError('Give either --metadata-url or --metadata-file.');
  }
  return metadataFile === undefined ? { url: metadataUrl } : { xml: readText(metadataFile) };
}

/** Never an argument: every user of a machine sees the arguments of all processes. */
export async function clientSecret(
  terminal: Terminal,
  { clientSecretFile }: Pick<OidcOptions, 'clientSecretFile'>,
): Promise<string> {
  if (clientSecretFile !== undefined) return readText(clientSecretFile).trim();
  const given = terminal.env.COUNTERSIGN_CLIENT_SECRET;
  if (given !== undefined && given !== '') return given;
  if (!terminal.interactive) {
    throw new UsageError('Set COUNTERSIGN_CLIENT_SECRET, or give --client-secret-file.');
  }
  return terminal.ask('Client secret: ');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`${file} cannot be read.`);
  }
}
