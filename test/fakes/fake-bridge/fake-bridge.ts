import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Me } from '../../../protocol/api.ts';
import { encodeBase64url } from '../../../protocol/base64url.ts';
import type { Credential } from '../../../protocol/credential.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import type { SignatureKey } from '../../../protocol/public-key.ts';
import { transformSealed } from '../../../recrypt/sealed-box.ts';
import type { TransformEngine } from '../../../recrypt/transform-engine.ts';
import { Company, makeCompany, NOW } from '../../protocol/company.ts';
import { createNamedFetch } from '../named-fetch.ts';
import { createNames } from '../names.ts';
import { createThrowawayCa } from '../throwaway-ca.ts';
import { FakeAuthorizationServer } from './fake-authorization-server.ts';
import { FakeDeviceRequests } from './fake-device-requests.ts';
import { FakeEnrolments } from './fake-enrolments.ts';
import { FakeKeyHistory } from './fake-key-history.ts';
import { FakeLog } from './fake-log.ts';
import { FakeLookUps, type Staple } from './fake-look-ups.ts';
import { type FakePerson, newFakePerson } from './fake-person.ts';
import { type FakeAnswer, type FakeRequest, json, problem, readRequest, send } from './fake-requests.ts';
import { type Lies, tell } from './lies.ts';

/**
 * A bridge as small as a client can tell: real HTTP over TLS, real keys and proofs, no storage, and it can lie. Its
 * clock is `time`, in seconds.
 */
export class FakeBridge {
  readonly issuer: string;
  readonly company: Company;
  /** Reaches this bridge, and trusts its throwaway CA alone. */
  readonly fetch: typeof fetch;
  readonly lies: Lies = {};
  readonly oauth: FakeAuthorizationServer;
  readonly enrolments: FakeEnrolments;
  readonly deviceRequests: FakeDeviceRequests;
  readonly lookUps: FakeLookUps;
  readonly keyHistory: FakeKeyHistory;
  /** Its own log; nothing is stapled before `keepLog`. */
  log: FakeLog | null = null;
  readonly persons = new Map<string, FakePerson>();
  /** `POST /v1/lookups` and the like, as they came. */
  readonly seen: string[] = [];
  time = NOW;
  /** The highest serial told; the online keys are signed anew for it. */
  serial = 1;
  readonly engine: TransformEngine;

  constructor(company: Company, engine: TransformEngine, named: typeof fetch) {
    this.issuer = company.iss;
    this.company = company;
    this.engine = engine;
    this.fetch = named;
    const now = () => this.time;
    this.oauth = new FakeAuthorizationServer(company.iss, this.lies);
    this.enrolments = new FakeEnrolments(company, engine, this.lies, now);
    this.deviceRequests = new FakeDeviceRequests(company.iss, engine, this.lies, now);
    const stapled: Staple = async (by, signed) => {
      const log = by === company ? this.log : (this.partnerLogs.get(by.iss) ?? null);
      return log === null ? {} : log.stapleOf(signed, this.time);
    };
    this.lookUps = new FakeLookUps(company, () => this.persons.values(), this.lies, now, stapled);
    this.keyHistory = new FakeKeyHistory(company, () => this.log, this.lies, now);
  }

  /** Takes no reports of what clients find. */
  deafToFindings = false;
  /** What the next watch is told before its stream ends. */
  watched: readonly object[] = [];

  /** Logs of partners, by entity id. */
  readonly partnerLogs = new Map<string, FakeLog>();

  /** From now on statements are logged, and proofs of it stapled. */
  keepLog(): FakeLog {
    this.log ??= new FakeLog(this.company);
    return this.log;
  }

  addPerson(name: string): FakePerson {
    const person = newFakePerson(name, this.company.domain);
    this.persons.set(person.address, person);
    return person;
  }

  async answer(request: FakeRequest): Promise<FakeAnswer> {
    try {
      this.seen.push(`${request.method} ${request.url.pathname}`);
      const answer = (await this.oauth.answer(request)) ?? (await this.#answerOpen(request));
      return answer ?? (await this.#answerDevice(request));
    } catch (error) {
      return problem(error);
    }
  }

  async #answerOpen({ method, url }: FakeRequest): Promise<FakeAnswer | null> {
    if (method === 'GET' && url.pathname.startsWith('/log/') && this.log !== null) {
      return this.log.answer(url.pathname.slice('/log/'.length), this.lies);
    }
    if (method !== 'GET' || url.pathname !== '/.well-known/countersign/online-keys') return null;
    const honest = await this.company.onlineKeysToken({ serial: this.serial });
    const body = await tell(this.lies, 'onlineKeysToken', honest);
    return { status: 200, headers: { 'content-type': 'application/online-keys+jwt' }, body };
  }

  async #answerDevice(request: FakeRequest): Promise<FakeAnswer> {
    const holder = await this.oauth.holder(request, this.time);
    if ('status' in holder) return holder;
    const person = this.persons.get(holder.address);
    if (person === undefined) throw new CountersignError('person_unknown');
    const [, , resource, ...rest] = request.url.pathname.split('/');
    const named = resource === 'me' && rest.length > 0 ? `me/${rest.join('/')}` : resource;
    switch (`${request.method} ${named}`) {
      case 'GET me':
        return json(200, await tell(this.lies, 'me', await this.#me(person, holder.jkt)));
      case 'GET me/key-history':
        return json(200, await this.keyHistory.answer(this.#held(person, request.url), request.url));
      case 'POST me/key-findings':
        if (this.deafToFindings) throw new CountersignError('unavailable');
        this.keyHistory.reported.push(JSON.parse(request.body));
        return { status: 204 };
      case 'POST watch':
        return this.#watch();
      case 'GET vault':
        return json(200, await tell(this.lies, 'vault', this.#vault(person, holder.jkt)));
      case 'POST enrolments':
        return this.#enrol(person, rest, request.body, holder.accessToken);
      case 'POST lookups': {
        const body = await this.lookUps.answer(request.body, holder.jkt);
        return { status: 200, headers: { 'content-type': 'application/key-lookup-response+jwt' }, body };
      }
      case 'DELETE devices':
        if (!person.devices.delete(rest[0] ?? '')) throw new CountersignError('device_unknown');
        return { status: 204 };
      case 'POST device-requests':
      case 'GET device-requests':
        return this.#deviceRequests(person, rest, request);
      default:
        throw new CountersignError('not_found');
    }
  }

  async #enrol(
    person: FakePerson,
    [id]: readonly string[],
    body: string,
    accessToken: string,
  ): Promise<FakeAnswer> {
    if (id === undefined) {
      if (person.signed !== null) throw new CountersignError('already_enrolled');
      return json(201, await this.enrolments.offer(person, body, accessToken));
    }
    const deviceId = await this.enrolments.confirm(person, id, body);
    const me = await this.#me(person, deviceId);
    if (me.credential === null || me.device_binding === null) throw new CountersignError('internal');
    const honest = { credential: me.credential, device_binding: me.device_binding };
    return json(200, await tell(this.lies, 'enrolled', honest));
  }

  async #deviceRequests(
    person: FakePerson,
    rest: readonly string[],
    { method, body, headers }: FakeRequest,
  ): Promise<FakeAnswer> {
    if (rest.length > 0) return this.deviceRequests.act(person, proofKey(headers.dpop), rest, body);
    return method === 'POST' ? this.deviceRequests.create(person, body) : this.deviceRequests.list(person);
  }

  async #me(person: FakePerson, deviceId: string): Promise<Me> {
    const device = person.devices.get(deviceId);
    const enrolled = person.signed !== null;
    return {
      iss: this.issuer,
      sub: person.sub,
      organization: 'Acme Example',
      name: null,
      addresses: [person.address, ...person.others],
      assurance: 'member',
      credential: enrolled ? await this.#credential(person) : null,
      device_binding:
        device === undefined
          ? null
          : await this.company.deviceBinding(device.endorsement, { sub: person.sub }),
      devices: [...person.devices].map(([id, { label }]) => ({
        device_id: id,
        label,
        added: NOW,
        current: id === deviceId,
      })),
    };
  }

  /** The address that is asked about, which must be one of theirs. */
  #held(person: FakePerson, url: URL): FakePerson {
    const wanted = url.searchParams.get('address') ?? person.address;
    const held = wanted === person.address ? person : this.persons.get(wanted);
    if (held === undefined || ![person.address, ...person.others].includes(wanted)) {
      throw new CountersignError('forbidden');
    }
    return held;
  }

  /** A stream that ends at once; who watches asks again. */
  #watch(): FakeAnswer {
    const events = [`event: ready\ndata: ${JSON.stringify({ as_of: this.time })}\n\n`];
    for (const change of this.watched) events.push(`event: changed\ndata: ${JSON.stringify(change)}\n\n`);
    this.watched = [];
    return { status: 200, headers: { 'content-type': 'text/event-stream' }, body: events.join('') };
  }

  async #credential({ signed }: FakePerson): Promise<Credential> {
    const staple = signed === null || this.log === null ? {} : await this.log.stapleOf(signed, this.time);
    return this.company.credential(signed ?? undefined, staple);
  }

  #vault(person: FakePerson, deviceId: string) {
    const device = person.devices.get(deviceId);
    if (device === undefined || person.vault === null || person.signed === null)
      throw new CountersignError('device_not_endorsed');
    const vault = transformSealed(this.engine, person.vault, device.transformKey);
    return { vault: encodeBase64url(vault), statement: person.signed.statement };
  }
}

/** The key of a DPoP proof that was verified before. */
function proofKey(proof: string | string[] | undefined): SignatureKey {
  const header = Buffer.from(String(proof).split('.')[0] ?? '', 'base64url').toString();
  const { x } = JSON.parse(header).jwk;
  return { kty: 'OKP', crv: 'Ed25519', x };
}

export interface RunningFakeBridge {
  readonly bridge: FakeBridge;
  close(): Promise<void>;
}

/** Starts a fake bridge for `<name>.example` on a free port; its entity id names the port. */
export async function startFakeBridge(engine: TransformEngine, name = 'acme'): Promise<RunningFakeBridge> {
  const host = `bridge.${name}.example`;
  const ca = await createThrowawayCa();
  const names = createNames();
  names.addHost(host, '127.0.0.1');
  const named = createNamedFetch(names, ca.certificatePem);
  const server = createServer(await ca.issue([host]));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `https://${host}:${(server.address() as AddressInfo).port}`;
  const { domain, root, keys, person, device } = await makeCompany(name);
  const company = new Company({ iss: issuer, domain, root, keys, person, device });
  const bridge = new FakeBridge(company, engine, named.fetch);
  server.on('request', (request, response) => {
    readRequest(request, issuer)
      .then((read) => bridge.answer(read))
      .then((answer) => send(response, answer))
      .catch(() => response.destroy());
  });
  return { bridge, close: () => closeAll(server, named) };
}

async function closeAll(server: Server, named: { close(): Promise<void> }): Promise<void> {
  await named.close();
  await new Promise((resolve) => server.close(resolve));
}
