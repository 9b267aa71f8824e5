import type { Assurance } from '../../protocol/claims.ts';
import type { Credential } from '../../protocol/credential.ts';
import type { KeyStatement, SignedStatement } from '../../protocol/key-statement.ts';
import { CREDENTIAL_ROTATIONS } from '../../protocol/rotation-chain.ts';
import { type Device, findDevice } from '../directory/devices.ts';
import { findPerson } from '../directory/persons.ts';
import { activeStatementOf, statementsBetween } from '../directory/statements.ts';
import type { Query } from '../storage/database.ts';
import { createAttributes } from './attributes.ts';
import { describePersons } from './credential-store.ts';
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

  async function issueBinding(signed: SignedStatement): Promise<string> {
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

  async function logProofOf({ statement }: SignedStatement): Promise<{ log_proof?: string }> {
    const { address, version } = statement;
    const proof = await database.read((query) => keyLog.staple(query, 'address', address, version));
    return proof === null ? {} : { log_proof: proof };
  }

  /** What led from earlier keys of the person to these, for those who pinned an earlier one. */
  async function rotationsBefore(signed: SignedStatement): Promise<Pick<Credential, 'rotations'>> {
    const { statement } = signed;
    if (statement.version === 0 || statement.reason !== undefined) return {};
    const before = rotations.get(signed) ?? (await database.read((query) => rotationsUpTo(query, statement)));
    rotations.set(signed, before);
    return before.length === 0 ? {} : { rotations: before };
  }

  async function answer(
    { standing, person, isNewest }: Omit<AddressStanding, 'resource'>,
    asker: Seeing | undefined,
  ): Promise<OwnAnswer> {
    const onlineKeys = signer.onlineKeysToken();
    if (standing.status === 'none') return { status: 'not_found' };
    if (standing.status === 'revoked_pending') return { status: 'revoked_pending' };
    if (standing.status === 'revoked') {
      const evidence = { ...standing.signed, online_keys: onlineKeys };
      return { status: 'revoked', revocation: { ...evidence, ...(await logProofOf(standing.signed)) } };
    }
    // A closed person's statement is revoked with them; this stands in case it was not.
    if (person?.status !== 'active') return { status: 'revoked_pending' };
    const proof = await logProofOf(standing.signed);
    // The log has gone on to the next version, which is not published yet: the one before cannot be proved any more.
    if (!isNewest && proof.log_proof === undefined) return { status: 'revoked_pending' };
    const binding = await issueBinding(standing.signed);
    const attributes =
      asker === undefined ? null : await attributesOf(person, asker.visibility, asker.audience);
    const stapled = {
      ...proof,
      ...(await rotationsBefore(standing.signed)),
      ...(attributes === null ? {} : { attributes }),
    };
    return {
      status: 'credential',
      sub: person.sub,
      credential: { binding, online_keys: onlineKeys, ...stapled },
    };
  }

  async function forAddresses(
    addresses: readonly string[],
    asker?: Asker,
  ): Promise<ReadonlyMap<string, OwnAnswer>> {
    const found = await findStandings(addresses);
    const seeing = asker && { visibility: visibilityFor(policy, asker), audience: asker.audience };
    const answers = addresses.map(async (address) => {
      const standing = found.get(address);
      const isHidden = standing !== undefined && seeing?.visibility.finds(standing.resource) === false;
      const shown = standing === undefined || isHidden ? NEVER : standing;
      return [address, await answer(shown, seeing)] as const;
    });
    return new Map(await Promise.all(answers));
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
