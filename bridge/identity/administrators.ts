import * as z from 'zod';
import { CountersignError } from '../../protocol/errors.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { EventLog } from '../events/event-log.ts';
import type { StagingLog } from '../keylog/key-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newHandle, newId } from '../lib/ids.ts';
import {
  ADMIN_BOOTSTRAP_LIFE_S,
  ADMIN_TOKEN_LENGTH,
  ADMIN_TOKEN_LIFE_MAX_S,
  ADMIN_TOKEN_LIFE_S,
  NAME_LENGTH,
} from '../lib/limits.ts';
import { type RequestContext, SYSTEM } from '../lib/request-context.ts';
import { ADMINISTRATOR_ROLES, type AdministratorRole } from '../policy/decision.ts';
import type { Database, Transaction } from '../storage/database.ts';
import type { TokenLine } from './administrator-lineage.ts';
import {
  deleteWithDescendants,
  findToken,
  findTokenByHash,
  insertLink,
  insertToken,
  listTokens,
  purgeExpired,
  takeLink,
} from './administrators-store.ts';
import { stageLinkCreated, stageTokenCreated, stageTokenRevoked } from './trust-changes.ts';

/** What scanners of leaked secrets find our tokens by. */
const PREFIX = 'csadm_';

const name = z.string().trim().min(1).max(NAME_LENGTH);

export const bootstrapSchema = z.strictObject({
  /** What stands behind the `#` of the one-time link. */
  token: z.string().max(ADMIN_TOKEN_LENGTH),
  /** Who takes it; stands in events. */
  name,
});

export const newTokenSchema = z.strictObject({
  name,
  /** Seconds until it expires; at most what is left of the maker's own. */
  expiresIn: z.int().min(60).max(ADMIN_TOKEN_LIFE_MAX_S).default(ADMIN_TOKEN_LIFE_S),
  /** The maker's own where nothing is said. Which ones the maker may give, policy decides. */
  roles: z.array(z.enum(ADMINISTRATOR_ROLES)).min(1).max(ADMINISTRATOR_ROLES.length).optional(),
});

/** An administrator, known by the token that they use. */
export interface AdministratorIdentity {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly AdministratorRole[];
}

/** Seconds. */
export interface AdministratorToken extends AdministratorIdentity {
  readonly created: number;
  readonly expires: number;
}

/** The token itself is told once and stored nowhere. */
export type IssuedToken = AdministratorToken & { readonly token: string };

/**
 * Who may administer the bridge: whoever holds a token. Tokens and links are 256 random bits, stored as hashes. Every
 * change is staged in the key log in the same transaction; but what expires was said to when it was made.
 */
export interface Administrators {
  /**
   * Makes a one-time link for `bootstrap`. Only for who runs the bridge's machine; never over HTTP: nowhere else is a
   * token made that lives longer than the maker's (`tokenLife`, in seconds).
   */
  createLink(wanted?: {
    tokenLife?: number;
    roles?: readonly AdministratorRole[];
  }): Promise<{ url: string; expires: number }>;
  /** Uses a link up and makes a token. Throws `bootstrap_invalid`, never saying why. */
  bootstrap(taken: z.infer<typeof bootstrapSchema>, context: RequestContext): Promise<IssuedToken>;
  /** Whose token an `Authorization` header carries. Throws `unauthenticated`. */
  authenticate(authorization: string | undefined): Promise<AdministratorIdentity>;
  /**
   * Makes a token that ends with the caller's own, at the latest; whether they may give its roles is decided before.
   * Throws `unauthenticated` if their own has ended.
   */
  create(wanted: z.infer<typeof newTokenSchema>, context: RequestContext): Promise<IssuedToken>;
  /** Those in force, without the tokens themselves. */
  list(): Promise<AdministratorToken[]>;
  /** What policy is asked about a token by: its roles, and nothing for one that there is not. */
  rolesOf(id: string): Promise<readonly AdministratorRole[] | undefined>;
  /** Ends a token and every token that came of it, and withdraws what was approved with them. Throws `token_unknown`. */
  revoke(id: string, context: RequestContext): Promise<void>;
  /** Forgets what has expired; answers how many. */
  purge(): Promise<number>;
}

export interface AdministratorsDeps {
  readonly issuer: string;
  readonly database: Database;
  readonly events: EventLog;
  readonly keyLog: StagingLog;
  readonly clock: Clock;
  /** What was approved with these tokens counts no more. */
  readonly withdrawApprovals: (
    tx: Transaction,
    revoked: readonly RevokedToken[],
    context: RequestContext,
  ) => Promise<void>;
}

type RevokedToken = Pick<TokenLine, 'id' | 'name' | 'parent'>;

export function createAdministrators(deps: AdministratorsDeps): Administrators {
  const { issuer, database, events, clock } = deps;

  async function issue(
    tx: Transaction,
    wanted: { name: string; expiresIn: number; roles: readonly AdministratorRole[] },
    cameOf: { parent: AdministratorToken; link?: never } | { parent?: never; link: string },
    { actor }: RequestContext,
  ): Promise<IssuedToken> {
    const { parent, link = null } = cameOf;
    const created = seconds(clock);
    const token = PREFIX + newHandle();
    const expires = Math.min(created + wanted.expiresIn, parent?.expires ?? Number.POSITIVE_INFINITY);
    const roles = [...new Set(wanted.roles)];
    const known = { id: newId(), name: wanted.name, roles, created, expires };
    const stored = {
      ...known,
      roles: JSON.stringify(known.roles),
      hash: sha256Base64url(token),
      parent: parent?.id ?? null,
    };
    await insertToken(tx, stored);
    await stageTokenCreated(deps, tx, stored, link, actor);
    return { ...known, token };
  }

  return {
    async createLink({ tokenLife, roles = ['owner'] } = {}) {
      const secret = newHandle();
      const created = seconds(clock);
      const expires = created + ADMIN_BOOTSTRAP_LIFE_S;
      const hash = sha256Base64url(secret);
      const link = { hash, created, expires, token_life: tokenLife ?? null, roles: JSON.stringify(roles) };
      await database.transaction(async (tx) => {
        await insertLink(tx, link);
        await stageLinkCreated(deps, tx, link, SYSTEM.actor);
      });
      // Behind the `#`, it stays out of the logs of proxies and servers.
      return { url: `${issuer}/admin/bootstrap#${secret}`, expires };
    },

    bootstrap: ({ token, name }, context) =>
      database.transaction(async (tx) => {
        const taken = await takeLink(tx, sha256Base64url(token), seconds(clock));
        if (taken === undefined) throw new CountersignError('bootstrap_invalid');
        const expiresIn = taken.token_life ?? ADMIN_TOKEN_LIFE_S;
        const issued = await issue(
          tx,
          { name, expiresIn, roles: readRoles(taken.roles) },
          { link: taken.hash },
          context,
        );
        await events.append(tx, {
          type: 'admin.bootstrapped',
          ...byWhom(context),
          data: { id: issued.id, name: issued.name, roles: [...issued.roles] },
        });
        return issued;
      }),

    async authenticate(authorization) {
      const token = /^Bearer (csadm_[A-Za-z0-9_-]{43})$/i.exec(authorization ?? '')?.[1];
      if (token === undefined) {
        throw new CountersignError('unauthenticated', 'Send an administrator’s token as Bearer.');
      }
      // The look-up is by the hash: its timing tells nothing about the token.
      const found = await database.read((query) =>
        findTokenByHash(query, sha256Base64url(token), seconds(clock)),
      );
      if (found === undefined) {
        throw new CountersignError(
          'unauthenticated',
          'The token has expired, was revoked, or never was one.',
        );
      }
      return { id: found.id, name: found.name, roles: readRoles(found.roles) };
    },

    create: (wanted, context) =>
      database.transaction(async (tx) => {
        const { actor } = context;
        const maker =
          actor.kind === 'administrator' ? await findToken(tx, actor.id, seconds(clock)) : undefined;
        // Whoever was revoked meanwhile leaves nothing behind.
        if (maker === undefined) throw new CountersignError('unauthenticated', 'Your own token has ended.');
        const own = readRoles(maker.roles);
        const asked = { ...wanted, roles: wanted.roles ?? own };
        const issued = await issue(tx, asked, { parent: { ...maker, roles: own } }, context);
        await events.append(tx, {
          type: 'admin.token_created',
          ...byWhom(context),
          data: { id: issued.id, name: issued.name, expires: issued.expires, roles: [...issued.roles] },
        });
        return issued;
      }),

    async list() {
      const tokens = await database.read((query) => listTokens(query, seconds(clock)));
      return tokens.map(({ id, name, roles, created, expires }) => ({
        ...{ id, name, created, expires },
        roles: readRoles(roles),
      }));
    },

    async rolesOf(id) {
      const found = await database.read((query) => findToken(query, id, seconds(clock)));
      return found === undefined ? undefined : readRoles(found.roles);
    },

    revoke: (id, context) =>
      database.transaction(async (tx) => {
        const deleted = await deleteWithDescendants(tx, id);
        if (deleted.length === 0) throw new CountersignError('token_unknown');
        await deps.withdrawApprovals(
          tx,
          deleted.map((token) => ({ id: token.id, name: token.name, parent: token.parent })),
          context,
        );
        for (const token of deleted) {
          await stageTokenRevoked(deps, tx, token.id, context.actor);
          await events.append(tx, {
            type: 'admin.token_revoked',
            ...byWhom(context),
            data: { id: token.id, name: token.name, roles: readRoles(token.roles) },
          });
        }
      }),

    purge: () => database.transaction((tx) => purgeExpired(tx, seconds(clock))),
  };
}

function byWhom({ actor, requestId }: RequestContext) {
  return { actor, requestId, outcome: 'success' as const };
}

const storedRoles = z.array(z.enum(ADMINISTRATOR_ROLES));

function readRoles(stored: string): AdministratorRole[] {
  return storedRoles.parse(JSON.parse(stored));
}
