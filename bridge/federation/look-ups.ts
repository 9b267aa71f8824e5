import { parseAddress } from '../../protocol/address.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import {
  type LookUpBody,
  type LookUpResponse,
  type LookUpResult,
  lookUpRequestSchema,
  PUBLIC_AUDIENCE,
  type PublicLookUpBody,
} from '../../protocol/look-up.ts';
import type { Holder } from '../binding/holder.ts';
import { askingPerson, requestBy, THE_PUBLIC } from '../binding/permission.ts';
import type { Asker, Credentials } from '../binding/services.ts';
import { type AskedPolicy, unknownAddress, visibilityFor } from '../binding/visibility.ts';
import { verifiedDomains } from '../directory/domains.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { BRIDGE_RESPONSE_LIFE_S, LOOKUP_MAX_AGE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { requireAllowed } from '../policy/decision.ts';
import type { Policy } from '../policy/policy.ts';
import type { LentBytes } from '../signer/lent-bytes.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { rememberRead } from '../storage/remembered-reads.ts';
import type { AcceptedRequests } from './accepted-requests.ts';
import type { AnswerCache } from './answer-cache.ts';
import { askingPartner } from './asking-partner.ts';
import { createForeignAnswers } from './foreign-answers.ts';
import { lookUpEventData } from './look-up-event.ts';
import type { AskPartner } from './partner-client.ts';
import type { PartnerRecords } from './partner-records.ts';
import { listPartners, type Partner } from './partner-store.ts';
import type { Partners } from './partners.ts';
import { createRefuseResult } from './refused-result.ts';
import { createWrittenRecords, createWrittenResults } from './written-results.ts';

export interface LookUpsDeps {
  readonly signer: Signer;
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly policy: AskedPolicy & Pick<Policy, 'lifetimes'>;
  readonly credentials: Credentials;
  readonly partners: Partners;
  readonly records: PartnerRecords;
  readonly askPartner: AskPartner;
  readonly requests: Pick<AcceptedRequests, 'verify' | 'consume' | 'respond'>;
  readonly answers: AnswerCache;
  /** Notes which addresses a partner is told of; answers those that are new to it. */
  readonly noteTold: (
    transaction: Transaction,
    partner: string,
    addresses: readonly string[],
  ) => Promise<readonly string[]>;
}

/** All answers are `key-lookup-response+jwt` (PROTOCOL §5). */
export interface LookUps {
  /** For a client of ours: own and foreign addresses mixed. Throws `forbidden`. */
  answerClient(
    who: Holder,
    body: LookUpBody,
    bodyBytes: Uint8Array,
    context: RequestContext,
  ): Promise<LentBytes>;
  /** For a partner: own addresses only. Throws `partner_unknown`, `forbidden`, `replayed`, and what verifying throws. */
  answerPartner(token: string, context: RequestContext): Promise<string>;
  /** For anybody, where policy permits it: own addresses only. Throws `forbidden`. */
  answerPublic(body: PublicLookUpBody, bodyBytes: Uint8Array, context: RequestContext): Promise<LentBytes>;
}

/** Who speaks for which domains. */
interface Speakers {
  /** Our own verified domains. */
  readonly ours: ReadonlySet<string>;
  /** Removed ones too. */
  readonly partners: readonly Partner[];
}

export function createLookUps(deps: LookUpsDeps): LookUps {
  const { signer, database, clock, events } = deps;
  const here = { kind: 'bridge', id: signer.iss } as const;
  const refuse = createRefuseResult(signer.iss, () => seconds(clock));
  const written = createWrittenResults();
  const writtenRecord = createWrittenRecords();
  const findForeign = createForeignAnswers({ ...deps, refuse });
  const readSpeakers = rememberRead(
    database,
    async (query): Promise<Speakers> => ({
      ours: new Set(await verifiedDomains(query)),
      partners: await listPartners(query),
    }),
  );

  async function answerClient(
    who: Holder,
    body: LookUpBody,
    bodyBytes: Uint8Array,
    context: RequestContext,
  ): Promise<LentBytes> {
    const asker = { ...askingPerson(who, clock), audience: who.deviceId };
    requireAllowed(deps.policy.decide, requestBy(asker, { action: 'look-up', resource: here }));
    // The protocol takes ages of up to a day; nobody here gets an older answer than policy may say.
    const maxAge = Math.min(body.max_age ?? deps.policy.lifetimes.lookUpMaxAge, LOOKUP_MAX_AGE_S);
    const { results, partners } = await findAll(body.addresses, asker, maxAge);
    const records = await Promise.all([deps.records.own(), ...partners.map(deps.records.ofPartner)]);
    return recorded(results, context, () =>
      respond({ aud: who.deviceId, jti: body.request_id, request: bodyBytes, results, records }),
    );
  }

  async function answerPartner(token: string, context: RequestContext): Promise<string> {
    const request = await deps.requests.verify(token, 'key-lookup-request+jwt', lookUpRequestSchema);
    const { partner, claims } = request;
    const asker = { ...askingPartner(partner), audience: partner.entity_id };
    requireAllowed(deps.policy.decide, requestBy(asker, { action: 'look-up-as-partner', resource: here }));
    const { ours } = await readSpeakers();
    const found = await findOwn(claims.addresses, asker, ours);
    const news = await database.transaction(async (transaction) => {
      await deps.requests.consume(transaction, request);
      return deps.noteTold(
        transaction,
        partner.entity_id,
        found.filter(isTold).map(({ address }) => address),
      );
    });
    // Behind the note: what changed before it stands in the answer, what changes after it is signalled.
    const results = news.length === 0 ? found : await findOwn(claims.addresses, asker, ours);
    const actor = { kind: 'partner' as const, iss: partner.entity_id };
    return recorded(results, { ...context, actor }, () =>
      deps.requests.respond(request, 'key-lookup-response+jwt', { results }),
    );
  }

  async function answerPublic(
    body: PublicLookUpBody,
    bodyBytes: Uint8Array,
    context: RequestContext,
  ): Promise<LentBytes> {
    const asker = { ...THE_PUBLIC, audience: PUBLIC_AUDIENCE };
    requireAllowed(deps.policy.decide, requestBy(asker, { action: 'look-up-as-public', resource: here }));
    const { ours } = await readSpeakers();
    const results = await findOwn(body.addresses, asker, ours);
    return recorded(results, context, () =>
      respond({ aud: PUBLIC_AUDIENCE, jti: body.request_id, request: bodyBytes, results }),
    );
  }

  async function findAll(
    addresses: readonly string[],
    asker: Asker,
    maxAge: number,
  ): Promise<{ results: LookUpResult[]; partners: Partner[] }> {
    const { ours, partners: known } = await readSpeakers();
    const partners = known.filter(({ status }) => status !== 'removed');
    const { own, foreign } = split(addresses, partners);
    const answered = new Map<string, LookUpResult>();
    for (const result of await findOwn(own, asker, ours)) answered.set(result.address, result);
    const { finds } = visibilityFor(deps.policy, asker);
    await Promise.all(
      [...foreign].map(async ([partner, asked]) => {
        const permitted = new Set(asked.filter((address) => finds(unknownAddress(address))));
        for (const address of asked) {
          // The partner is not asked about it: that tells nothing of who is there.
          if (!permitted.has(address)) answered.set(address, refuse(address, 'forbidden'));
        }
        for (const result of await findForeign(partner, [...permitted], maxAge)) {
          answered.set(result.address, result);
        }
      }),
    );
    const standing = await refuseRestricted(foreign, answered);
    const results = addresses.map((address) => answered.get(address) ?? refuse(address, 'internal'));
    return { results, partners: standing };
  }

  /** A partner chooses how long it takes to answer: it must not outlive its own suspension or removal (PROTOCOL §8). */
  async function refuseRestricted(
    asked: ReadonlyMap<Partner, readonly string[]>,
    answered: Map<string, LookUpResult>,
  ): Promise<Partner[]> {
    if (asked.size === 0) return [];
    const standing: Partner[] = [];
    const { partners } = await readSpeakers();
    for (const [before, addresses] of asked) {
      const now = partners.find(({ entity_id: id }) => id === before.entity_id) ?? before;
      if (now.status !== 'removed') standing.push(now);
      if (now.version === before.version) continue;
      for (const address of addresses) {
        if (now.status === 'suspended') {
          answered.set(address, refuse(address, 'partner_suspended', now.reason ?? undefined));
        } else if (now.status === 'removed' || partnerFor(address, [now]) === undefined) {
          answered.set(address, refuse(address, 'partner_unknown'));
        }
      }
    }
    return standing;
  }

  async function findOwn(
    addresses: readonly string[],
    asker: Asker,
    ours: ReadonlySet<string>,
  ): Promise<LookUpResult[]> {
    const parsed = new Map(addresses.map((address) => [address, parsedOrUndefined(address)]));
    const inForm = [...parsed.values()].filter((each) => each !== undefined && ours.has(each.domain));
    const answers = await deps.credentials.forAddresses(
      inForm.flatMap((each) => (each === undefined ? [] : [each.address])),
      asker,
    );
    return addresses.map((address): LookUpResult => {
      const each = parsed.get(address);
      if (each === undefined) return refuse(address, 'address_invalid');
      if (each.address !== address) return refuse(address, 'address_invalid', `Write it as ${each.address}.`);
      const answer = answers.get(each.address);
      if (answer === undefined) {
        return refuse(address, 'partner_unknown', `No approved partner speaks for ${each.domain}.`);
      }
      const head = { address, source: 'own', iss: signer.iss, as_of: seconds(clock) } as const;
      switch (answer.status) {
        case 'credential':
          return { ...head, status: 'credential', credential: answer.credential };
        case 'revoked':
          return { ...head, status: 'revoked', revocation: answer.revocation };
        default:
          return { ...head, status: answer.status };
      }
    });
  }

  /** The answer is signed while the disk takes its event, and leaves only with that on it. */
  async function recorded<Answer>(
    results: readonly LookUpResult[],
    context: RequestContext,
    sign: () => Promise<Answer>,
  ): Promise<Answer> {
    const onDisk = events.record({
      type: 'look_up.answered',
      actor: context.actor,
      outcome: 'success',
      requestId: context.requestId,
      data: lookUpEventData(results),
    });
    const [answer] = await Promise.all([sign(), onDisk]);
    return answer;
  }

  async function respond(answer: {
    aud: string;
    jti: string;
    request: string | Uint8Array;
    results: LookUpResult[];
    records?: string[];
  }): Promise<LentBytes> {
    const now = seconds(clock);
    const claims: Omit<LookUpResponse, 'records' | 'results'> = {
      iss: signer.iss,
      aud: answer.aud,
      jti: answer.jti,
      request_hash: sha256Base64url(answer.request),
      iat: now,
      exp: now + BRIDGE_RESPONSE_LIFE_S,
    };
    const results = { name: 'results', items: answer.results.map(written) };
    const records = { name: 'records', items: (answer.records ?? []).map(writtenRecord) };
    const lists = answer.records === undefined ? [results] : [records, results];
    return signer.signLists('federation', 'key-lookup-response+jwt', claims, lists);
  }

  return { answerClient, answerPartner, answerPublic };
}

/** Whether the answer says that there is, or was, a key. */
function isTold({ status }: LookUpResult): boolean {
  return status === 'credential' || status === 'revoked' || status === 'revoked_pending';
}

function parsedOrUndefined(address: string) {
  try {
    return parseAddress(address);
  } catch (error) {
    if (isCountersignError(error, 'address_invalid')) return undefined;
    throw error;
  }
}

/** Which addresses are ours to answer, and whom to ask for the others. */
function split(addresses: readonly string[], partners: readonly Partner[]) {
  const own: string[] = [];
  const foreign = new Map<Partner, string[]>();
  for (const address of addresses) {
    const partner = partnerFor(address, partners);
    const asked = partner === undefined ? own : (foreign.get(partner) ?? []);
    asked.push(address);
    if (partner !== undefined) foreign.set(partner, asked);
  }
  return { own, foreign };
}

/** Whom to ask: the partner that is approved for the address's domain. Only addresses in their one form are sent on. */
function partnerFor(address: string, partners: readonly Partner[]): Partner | undefined {
  if (partners.length === 0) return undefined;
  const parsed = parsedOrUndefined(address);
  if (parsed === undefined || parsed.address !== address) return undefined;
  return partners.find((partner) => partner.domains.includes(parsed.domain));
}
