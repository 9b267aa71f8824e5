import type { Assurance } from '../../protocol/claims.ts';
import type { Credential, Revocation } from '../../protocol/credential.ts';
import type { KeyStatement, SignedStatement } from '../../protocol/key-statement.ts';
import { CREDENTIAL_ROTATIONS } from '../../protocol/rotation-chain.ts';
import { type Device, findDevice } from '../directory/devices.ts';
import { findPerson } from '../directory/persons.ts';
import { activeStatementOf, statementsBetween } from '../directory/statements.ts';
import type { Query } from '../storage/database.ts';
import { createAttributes } from './attributes.ts';
import { type DescribedPerson, describePersons } from './credential-store.ts';
import { createIssuedTokens, type IssuedBody } from './issued-tokens.ts';
import { createPublishedStatements } from './published-statements.ts';
import type { Asker, BindingDeps, Credentials, OwnAnswer } from './services.ts';
import { type AddressStanding, createStandings } from './standings.ts';
import { unknownAddress, type Visibility, visibilityFor } from './visibility.ts';

/** Who asks, for as long as one request takes. */
interface Seeing {
  readonly visibility: Visibility;
  readonly audience: string;
}

/** Nobody's, ever; and what is said to whom policy hides it from. */
const NEVER = { standing: { status: 'none' }, isNewest: true } as const;

/** What our bridge says of its own people (PROTOCOL §4, §5, §8). Tokens are signed once and reused. */
export function createCredentials(deps: BindingDeps): Credentials {
  const { database, signer, policy, organization, keyLog } = deps;
  const published = createPublishedStatements(keyLog);
  const findStandings = createStandings(database, published);
  const tokens = createIssuedTokens(deps);
  const attributesOf = createAttributes({ tokens, policy, iss: signer.iss, organization });
  const bindings = new WeakMap<SignedStatement, IssuedBody>();
  const rotations = new WeakMap<SignedStatement, SignedStatement[]>();

  function issueBinding(signed: SignedStatement): Promise<string> {
    const made = bindings.get(signed);
    const body = made?.policy_hash === policy.hash ? made : bindingOf(signed);
    bindings.set(signed, body);
    const life = policy.lifetimes.binding(signed.statement.assurance);
    return tokens.issue('key-binding+jwt', body, { life });
  }

  function bindingOf({ statement, signatures }: SignedStatement): IssuedBody {
    const { reason, ...rest } = statement;
    return {
      iss: signer.iss,
      sub: statement.sub,
      policy_hash: policy.hash,
      statement: reason === undefined ? rest : { ...rest, reason },
      signatures,
    };
  }

  function logProofOf(query: Query, { statement }: SignedStatement): Promise<string | null> {
    return keyLog.staple(query, 'address', statement.address, statement.version);
  }

  /** What led from earlier keys of the person to these, for those who pinned an earlier one. */
  async function rotationsBefore(query: Query, signed: SignedStatement): Promise<SignedStatement[]> {
    const before = rotations.get(signed) ?? (await rotationsUpTo(query, signed.statement));
    rotations.set(signed, before);
    return before;
  }

  function answer(
    query: Query,
    { standing, person, isNewest }: Omit<AddressStanding, 'resource'>,
    asker: Seeing | undefined,
  ): OwnAnswer | Promise<OwnAnswer> {
    switch (standing.status) {
      case 'none':
        return { status: 'not_found' };
      case 'revoked_pending':
        return { status: 'revoked_pending' };
      case 'revoked':
        return answerRevoked(query, standing.signed);
      case 'active':
        // A closed person's statement is revoked with them; this stands in case it was not.
        if (person?.status !== 'active') return { status: 'revoked_pending' };
        return answerActive(query, { signed: standing.signed, person, isNewest }, asker);
    }
  }

  async function answerRevoked(query: Query, signed: SignedStatement): Promise<OwnAnswer> {
    const revocation: Revocation = { ...signed, online_keys: signer.onlineKeysToken() };
    const proof = await logProofOf(query, signed);
    if (proof !== null) revocation.log_proof = proof;
    return { status: 'revoked', revocation };
  }

  async function answerActive(
    query: Query,
    { signed, person, isNewest }: ActiveStatement,
    asker: Seeing | undefined,
  ): Promise<OwnAnswer> {
    const onlineKeys = signer.onlineKeysToken();
    const proof = await logProofOf(query, signed);
    // The log has gone on to the next version, which is not published yet: the one before cannot be proved any more.
    if (!isNewest && proof === null) return { status: 'revoked_pending' };
    const credential: Credential = { binding: await issueBinding(signed), online_keys: onlineKeys };
    const attributes = asker && attributesOf(person, asker.visibility, asker.audience);
    if (attributes) credential.attributes = await attributes;
    if (proof !== null) credential.log_proof = proof;
    if (signed.statement.version > 0 && signed.statement.reason === undefined) {
      const before = await rotationsBefore(query, signed);
      if (before.length > 0) credential.rotations = before;
    }
    return { status: 'credential', sub: person.sub, credential };
  }

  async function forAddresses(
    addresses: readonly string[],
    asker?: Asker,
  ): Promise<ReadonlyMap<string, OwnAnswer>> {
    const found = await findStandings(addresses);
    const seeing = asker && { visibility: visibilityFor(policy, asker), audience: asker.audience };
    const shown = addresses.map((address) => {
      const standing = found.get(address);
      const isHidden = standing !== undefined && seeing?.visibility.finds(standing.resource) === false;
      return standing === undefined || isHidden ? NEVER : standing;
    });
    const said = await database.read((query) =>
      Promise.all(shown.map((standing) => answer(query, standing, seeing))),
    );
    const answers = new Map<string, OwnAnswer>();
    said.forEach((each, index) => {
      const address = addresses[index];
      if (address !== undefined) answers.set(address, each);
    });
    return answers;
  }

  async function bindableDevice(query: Query, deviceId: string): Promise<BindableDevice | undefined> {
    const device = await findDevice(query, deviceId);
    if (device === undefined) return undefined;
    const [person, active] = await Promise.all([
      findPerson(query, device.sub),
      activeStatementOf(query, device.sub),
    ]);
    if (person?.status !== 'active' || active?.statement.key_version !== device.key_version) return undefined;
    if (!(await published.isPublished(query, active.statement))) return undefined;
    return { device, assurance: active.statement.assurance };
  }

  return {
    forAddresses,

    async forAddress(address, asker) {
      const answers = await forAddresses([address], asker);
      return answers.get(address) ?? { status: 'not_found' };
    },

    async findable(addresses, asker) {
      const found = await findStandings(addresses);
      const { finds } = visibilityFor(policy, asker);
      return new Set(
        addresses.filter((address) => finds(found.get(address)?.resource ?? unknownAddress(address))),
      );
    },

    async attributes(sub, asker) {
      const persons = await database.read((query) => describePersons(query, [sub]));
      const person = persons.get(sub);
      return person?.status === 'active'
        ? attributesOf(person, visibilityFor(policy, asker), asker.audience)
        : null;
    },

    async deviceBinding(deviceId) {
      const found = await database.read((query) => bindableDevice(query, deviceId));
      if (found === undefined) return null;
      const { sub, endorsement } = found.device;
      const life = policy.lifetimes.deviceBinding(found.assurance);
      return tokens.issue('device-binding+jwt', { iss: signer.iss, sub, endorsement }, { life });
    },
  };
}

/** Somebody's keys that count now. */
interface ActiveStatement {
  readonly signed: SignedStatement;
  readonly person: DescribedPerson;
  readonly isNewest: boolean;
}

interface BindableDevice {
  readonly device: Device;
  /** Its person's, as peers see it. */
  readonly assurance: Assurance;
}

/** The versions before it that its person's keys went through, the newest ones, in their order. */
async function rotationsUpTo(
  query: Query,
  { address, version, sub }: KeyStatement,
): Promise<SignedStatement[]> {
  const range = { from: Math.max(0, version - CREDENTIAL_ROTATIONS), to: version - 1 };
  const before = await statementsBetween(query, address, range);
  const begun = before.findLastIndex(
    ({ statement }) =>
      statement.sub !== sub || statement.status === 'revoked' || statement.reason !== undefined,
  );
  return before.slice(begun + 1).filter(({ statement }) => statement.version > 0);
}
