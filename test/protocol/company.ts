import { ed25519 } from '@noble/curves/ed25519.js';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { concatBytes, utf8 } from '../../protocol/bytes.ts';
import type { Json } from '../../protocol/canonical-json.ts';
import type { Credential, Revocation, VerificationContext } from '../../protocol/credential.ts';
import {
  type DeviceBindingClaims,
  type DeviceEndorsement,
  signDeviceEndorsement,
} from '../../protocol/device.ts';
import { importSigningKey, type SigningKey, signBytes } from '../../protocol/ed25519.ts';
import type { EntityConfiguration } from '../../protocol/entity-configuration.ts';
import { sha256 } from '../../protocol/hash.ts';
import type { IdentityAttributes } from '../../protocol/identity-attributes.ts';
import { type ObjectType, signJws } from '../../protocol/jws.ts';
import type { KeyBindingClaims } from '../../protocol/key-binding.ts';
import {
  type KeyStatement,
  type SignedStatement,
  signStatement,
  statementHash,
} from '../../protocol/key-statement.ts';
import {
  type KeyPurpose,
  keyPurpose,
  type OnlineKeys,
  type OnlineKeysClaims,
  signOnlineKeys,
  verifyOnlineKeys,
} from '../../protocol/online-keys.ts';
import type { PartnerRecord, TrustedIssuer } from '../../protocol/partner-record.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';

/** The time at which everything here was just issued, seconds: 2027-01-15 08:00:00 UTC. */
export const NOW = 1_800_000_000;
export const DAY = 86_400;

/** The signing key that everybody derives from this name: fixed, so that bytes can be pinned. */
export async function testKey(name: string): Promise<SigningKey> {
  const secret = sha256(utf8(`countersign test key ${name}`));
  const x = encodeBase64url(ed25519.getPublicKey(secret));
  return importSigningKey({ kty: 'OKP', crv: 'Ed25519', x, d: encodeBase64url(secret) }, true);
}

/** A fixed key of the form of a recrypt key. Its coordinates are no point: the protocol treats them as names. */
export function testEncryptionKey(name: string): EncryptionKey {
  const coordinate = (axis: string) => encodeBase64url(sha256(utf8(`countersign test ${axis} ${name}`)));
  return { kty: 'EC', crv: 'recrypt-256', x: coordinate('x'), y: coordinate('y') };
}

/** A digest that stands for something that a test does not look into. */
export function testDigest(name: string): string {
  return encodeBase64url(sha256(utf8(name)));
}

export interface Person {
  readonly sub: string;
  readonly address: string;
  readonly pre: EncryptionKey;
  readonly sig: SigningKey;
}

export interface Device {
  readonly pre: EncryptionKey;
  readonly sig: SigningKey;
}

/** A person of this name, with keys of that name; `pre` may be a real recrypt key. */
export async function makePerson(name: string, domain: string, pre?: EncryptionKey): Promise<Person> {
  return {
    sub: `sub-${name}`,
    address: `${name}@${domain}`,
    pre: pre ?? testEncryptionKey(name),
    sig: await testKey(`person ${name}`),
  };
}

export async function makeDevice(name: string): Promise<Device> {
  return { pre: testEncryptionKey(`device ${name}`), sig: await testKey(`device ${name}`) };
}

/**
 * A made-up company with real keys: offline root, an online key for each purpose, a person and a device. Each issuing
 * method takes changes to what is honest, so that a test lies in one point and in no other; `signs` lies about the
 * rest.
 */
export class Company {
  readonly iss: string;
  readonly domain: string;
  readonly root: SigningKey;
  readonly keys: Readonly<Record<KeyPurpose, SigningKey>>;
  readonly person: Person;
  readonly device: Device;
  /** When its bindings, attributes and records are made, which live a day from then. */
  issuedAt = NOW;

  constructor(parts: Pick<Company, 'iss' | 'domain' | 'root' | 'keys' | 'person' | 'device'>) {
    this.iss = parts.iss;
    this.domain = parts.domain;
    this.root = parts.root;
    this.keys = parts.keys;
    this.person = parts.person;
    this.device = parts.device;
  }

  /** Any claims, under any type, by the key of any purpose. */
  async signs(purpose: KeyPurpose, type: ObjectType, claims: Json): Promise<string> {
    return signJws(this.keys[purpose], type, claims);
  }

  onlineKeysClaims(changes: Partial<OnlineKeysClaims> = {}): OnlineKeysClaims {
    const keys = keyPurpose.options.map((purpose) => ({
      jwk: this.keys[purpose].publicKey,
      purpose,
      nbf: NOW - 30 * DAY,
      exp: NOW + 30 * DAY,
    }));
    return {
      iss: this.iss,
      serial: 1,
      iat: NOW - DAY,
      exp: NOW + 90 * DAY,
      keys,
      compromised: [],
      ...changes,
    };
  }

  async onlineKeysToken(changes: Partial<OnlineKeysClaims> = {}, root = this.root): Promise<string> {
    return signOnlineKeys(root, this.onlineKeysClaims(changes));
  }

  /** The online keys as a verifier has them that pinned the root. */
  async onlineKeys(changes: Partial<OnlineKeysClaims> = {}): Promise<OnlineKeys> {
    const token = await this.onlineKeysToken(changes);
    return verifyOnlineKeys(token, { iss: this.iss, rootThumbprint: this.root.kid }, NOW);
  }

  /** The pinned record that a verifier holds of this company. */
  trusted(changes: Partial<TrustedIssuer> = {}): TrustedIssuer {
    return { entity_id: this.iss, root_thumbprint: this.root.kid, domains: [this.domain], ...changes };
  }

  context(changes: Partial<VerificationContext> = {}): VerificationContext {
    return { issuer: this.trusted(), policy: { level: 'signed', maxAge: DAY }, now: NOW, ...changes };
  }

  /** The first statement of the person. */
  statement(changes: Partial<KeyStatement> = {}): KeyStatement {
    return {
      v: 1,
      iss: this.iss,
      sub: this.person.sub,
      address: this.person.address,
      version: 0,
      key_version: 0,
      status: 'active',
      keys: [this.person.pre, this.person.sig.publicKey],
      assurance: 'member',
      escrow: 'none',
      since: NOW - DAY,
      prev: null,
      ...changes,
    };
  }

  /** The version after `before`, with these changes. */
  nextStatement(before: KeyStatement, changes: Partial<KeyStatement>): KeyStatement {
    return { ...before, version: before.version + 1, since: NOW, prev: statementHash(before), ...changes };
  }

  async signedStatement(
    statement: KeyStatement = this.statement(),
    signers: readonly SigningKey[] = [this.person.sig],
  ): Promise<SignedStatement> {
    const signatures = await Promise.all(signers.map((key) => signStatement(key, statement)));
    return { statement, signatures };
  }

  /** The binding over the person's first statement, or over `signed`. */
  async binding(signed?: SignedStatement, changes: Partial<KeyBindingClaims> = {}): Promise<string> {
    const { statement, signatures } = signed ?? (await this.signedStatement());
    const claims: KeyBindingClaims = {
      iss: this.iss,
      sub: statement.sub,
      jti: 'binding-1',
      iat: this.issuedAt,
      nbf: this.issuedAt,
      exp: this.issuedAt + DAY,
      policy_hash: testDigest('policy'),
      statement,
      signatures,
      ...changes,
    };
    return this.signs('binding', 'key-binding+jwt', claims as Json);
  }

  async attributes(aud: string, changes: Partial<IdentityAttributes> = {}): Promise<string> {
    const claims: IdentityAttributes = {
      iss: this.iss,
      sub: this.person.sub,
      aud,
      jti: 'attributes-1',
      iat: this.issuedAt,
      exp: this.issuedAt + DAY,
      name: 'Alice Example',
      ...changes,
    };
    return this.signs('binding', 'identity-attributes+jwt', claims as Json);
  }

  async credential(signed?: SignedStatement, changes: Partial<Credential> = {}): Promise<Credential> {
    return {
      binding: await this.binding(signed),
      online_keys: await this.onlineKeysToken(),
      ...changes,
    };
  }

  /** The end of the person's first statement, signed by the bridge alone. */
  async revocation(changes: Partial<KeyStatement> = {}): Promise<Revocation> {
    const ended = this.nextStatement(this.statement(), { status: 'revoked', reason: 'closed', ...changes });
    const signed = await this.signedStatement(ended, [this.keys.statement]);
    return { ...signed, online_keys: await this.onlineKeysToken() };
  }

  endorsementClaims(changes: Partial<DeviceEndorsement> = {}): DeviceEndorsement {
    return {
      iss: this.iss,
      sub: this.person.sub,
      device_id: this.device.sig.kid,
      keys: [this.device.pre, this.device.sig.publicKey],
      key_version: 0,
      iat: NOW,
      ...changes,
    };
  }

  async endorsement(changes: Partial<DeviceEndorsement> = {}, by = this.person.sig): Promise<string> {
    return signDeviceEndorsement(by, this.endorsementClaims(changes));
  }

  async deviceBinding(endorsement?: string, changes: Partial<DeviceBindingClaims> = {}): Promise<string> {
    const claims: DeviceBindingClaims = {
      iss: this.iss,
      sub: this.person.sub,
      jti: 'device-binding-1',
      iat: this.issuedAt,
      nbf: this.issuedAt,
      exp: this.issuedAt + DAY,
      endorsement: endorsement ?? (await this.endorsement()),
      ...changes,
    };
    return this.signs('binding', 'device-binding+jwt', claims as Json);
  }

  partnerRecordClaims(partner: TrustedIssuer, changes: Partial<PartnerRecord> = {}): PartnerRecord {
    return {
      iss: this.iss,
      jti: 'record-1',
      iat: this.issuedAt,
      exp: this.issuedAt + DAY,
      version: 1,
      partner: {
        entity_id: partner.entity_id,
        root_thumbprint: partner.root_thumbprint,
        domains: [...partner.domains],
        scope: ['lookup'],
        status: 'active',
      },
      ...changes,
    };
  }

  async entityConfigurationClaims(changes: Partial<EntityConfiguration> = {}): Promise<EntityConfiguration> {
    const { publicKey, kid } = this.keys.federation;
    return {
      iss: this.iss,
      sub: this.iss,
      iat: NOW,
      exp: NOW + DAY,
      jwks: { keys: [{ ...publicKey, kid }] },
      metadata: {
        key_bridge: {
          organization_name: 'Acme Example',
          domains: [this.domain],
          lookup_endpoint: `${this.iss}/v1/partner/lookups`,
          online_keys: await this.onlineKeysToken(),
        },
      },
      ...changes,
    };
  }
}

/** The company of this name at `https://bridge.<name>.example`, which speaks for `<name>.example`. */
export async function makeCompany(name = 'acme', personName = 'alice'): Promise<Company> {
  const domain = `${name}.example`;
  const key = (purpose: string) => testKey(`${name} ${purpose}`);
  const [root, binding, statement, federation, record, log, events] = await Promise.all(
    ['root', ...keyPurpose.options].map(key),
  );
  if (!root || !binding || !statement || !federation || !record || !log || !events)
    throw new Error('unreachable');
  return new Company({
    iss: `https://bridge.${domain}`,
    domain,
    root,
    keys: { binding, statement, federation, record, log, events },
    person: await makePerson(personName, domain),
    device: await makeDevice(`${personName} laptop`),
  });
}

/** A token with this very header and payload text, truly signed: for headers that `signJws` would not write. */
export async function signRaw(key: SigningKey, header: object, payload: string): Promise<string> {
  const text = (part: string) => encodeBase64url(utf8(part));
  const input = `${text(JSON.stringify(header))}.${text(payload)}`;
  return `${input}.${await signBytes(key, concatBytes(utf8(input)))}`;
}
