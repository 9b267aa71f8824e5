import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { ConfigFault } from './faults.ts';

/** PEM, both: the certificate with its chain, and its private key. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

const CERTIFICATE = 'listen.tls.certificate_file';
const KEY = 'listen.tls.key_file';

/** Why TLS cannot be ended with these; empty where it can. No content of the files is in it. */
export function pairFaults(
  { cert, key }: CertificatePair,
  files: { readonly certificate_file: string; readonly key_file: string },
): ConfigFault[] {
  const certificate = attempt(() => new X509Certificate(cert));
  const privateKey = attempt(() => createPrivateKey(key));
  const faults = [
    ...(certificate === undefined ? [notCertificate(cert, files.certificate_file)] : []),
    ...(privateKey === undefined ? [notKey(key, files.key_file)] : []),
  ];
  if (certificate === undefined || privateKey === undefined) return faults;
  if (!fits(certificate, privateKey)) {
    return [{ path: KEY, message: `${files.key_file} is not the key of the certificate` }];
  }
  if (attempt(() => createSecureContext({ cert, key })) !== undefined) return [];
  return [{ path: CERTIFICATE, message: 'TLS does not take this certificate with its chain and key' }];
}

/** What clients refuse, or soon do, of a certificate that TLS can be ended with. `now` in milliseconds. */
export function certificateWarnings(cert: string, issuer: string, now: number): ConfigFault[] {
  const certificate = new X509Certificate(cert);
  const host = new URL(issuer).hostname.replace(/^\[(.*)\]$/, '$1');
  const warnings: string[] = [];
  if (!isFor(certificate, host)) {
    const names = certificate.subjectAltName ?? 'no name';
    warnings.push(`the certificate is not for ${host} (the issuer) but for ${names}: clients refuse it`);
  }
  if (Date.parse(certificate.validTo) <= now) {
    warnings.push(`the certificate has expired (${certificate.validTo}): clients refuse it`);
  }
  if (Date.parse(certificate.validFrom) > now) {
    warnings.push(`the certificate is not valid before ${certificate.validFrom}: clients refuse it`);
  }
  return warnings.map((message) => ({ path: CERTIFICATE, message }));
}

/** Browsers and Node go by the alternative names alone. */
function isFor(certificate: X509Certificate, host: string): boolean {
  const found =
    isIP(host) === 0 ? certificate.checkHost(host, { subject: 'never' }) : certificate.checkIP(host);
  return found !== undefined;
}

function fits(certificate: X509Certificate, key: KeyObject): boolean {
  return attempt(() => certificate.checkPrivateKey(key)) === true;
}

function notCertificate(text: string, file: string): ConfigFault {
  const instead = text.includes('PRIVATE KEY-----') ? ', but a private key' : '';
  return { path: CERTIFICATE, message: `there is no certificate in ${file}${instead}` };
}

function notKey(text: string, file: string): ConfigFault {
  const instead = text.includes('ENCRYPTED')
    ? ' that can be opened without a passphrase'
    : text.includes('BEGIN CERTIFICATE')
      ? ', but a certificate'
      : '';
  return { path: KEY, message: `there is no private key in ${file}${instead}` };
}

function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
