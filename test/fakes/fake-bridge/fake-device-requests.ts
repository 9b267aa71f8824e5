import {
  type DeviceRequest,
  deviceApprovalSchema,
  deviceChallengeSchema,
  deviceRequestBodySchema,
  deviceRevealSchema,
} from '../../../protocol/api.ts';
import { decodeBase64url } from '../../../protocol/base64url.ts';
import { verifyDeviceEndorsement } from '../../../protocol/device.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import type { SignatureKey } from '../../../protocol/public-key.ts';
import { decodeTransformKey } from '../../../recrypt/encoding.ts';
import type { TransformEngine } from '../../../recrypt/transform-engine.ts';
import type { FakePerson } from './fake-person.ts';
import { type FakeAnswer, json } from './fake-requests.ts';
import { type Lies, tell } from './lies.ts';

/** Adding devices as PROTOCOL §9 has it: the fake relays, and holds the order of the steps. */
export class FakeDeviceRequests {
  readonly #engine: TransformEngine;
  readonly #lies: Lies;
  readonly #requests = new Map<string, DeviceRequest>();
  readonly #issuer: string;
  readonly #now: () => number;

  constructor(issuer: string, engine: TransformEngine, lies: Lies, now: () => number) {
    this.#issuer = issuer;
    this.#engine = engine;
    this.#lies = lies;
    this.#now = now;
  }

  async create(person: FakePerson, text: string): Promise<FakeAnswer> {
    const body = deviceRequestBodySchema.parse(JSON.parse(text));
    const request: DeviceRequest = {
      id: `device-request-${this.#requests.size + 1}`,
      status: 'pending',
      iss: this.#issuer,
      sub: person.sub,
      device_key: body.device_key,
      device_sig: body.device_sig,
      label: body.label,
      method: body.comparison.method,
      commitment: body.comparison.method === 'code' ? body.comparison.commitment : null,
      approver_sig: null,
      approver_nonce: null,
      device_nonce: null,
      expires: this.#now() + 300,
    };
    this.#requests.set(request.id, request);
    return json(201, request);
  }

  async list(person: FakePerson): Promise<FakeAnswer> {
    const requests = [...this.#requests.values()].filter(({ sub }) => sub === person.sub);
    return json(200, { requests });
  }

  async act(
    person: FakePerson,
    asker: SignatureKey,
    [id = '', step]: readonly string[],
    text: string,
  ): Promise<FakeAnswer> {
    const request = this.#requests.get(id);
    if (request === undefined || request.sub !== person.sub)
      throw new CountersignError('device_request_unknown');
    switch (step) {
      case undefined:
        return json(200, await tell(this.#lies, 'deviceRequest', request));
      case 'challenge':
        if (request.approver_nonce !== null) throw new CountersignError('device_request_state');
        return this.#change(request, {
          approver_sig: asker,
          approver_nonce: deviceChallengeSchema.parse(JSON.parse(text)).nonce,
        });
      case 'reveal':
        if (request.approver_nonce === null || request.device_nonce !== null)
          throw new CountersignError('device_request_state');
        return this.#change(request, { device_nonce: deviceRevealSchema.parse(JSON.parse(text)).nonce });
      case 'refusal':
        return this.#change(request, { status: 'refused' });
      case 'approval':
        return this.#approve(person, request, text);
      default:
        throw new CountersignError('not_found');
    }
  }

  find(id: string): DeviceRequest {
    const request = this.#requests.get(id);
    if (request === undefined) throw new Error(`no request ${id}`);
    return request;
  }

  #change(request: DeviceRequest, change: Partial<DeviceRequest>): FakeAnswer {
    this.#requests.set(request.id, { ...request, ...change });
    return { status: 204 };
  }

  async #approve(person: FakePerson, request: DeviceRequest, text: string): Promise<FakeAnswer> {
    const approval = deviceApprovalSchema.parse(JSON.parse(text));
    if (person.signed === null || person.share === null) throw new CountersignError('forbidden');
    const endorsement = await verifyDeviceEndorsement(approval.endorsement, person.signed.statement);
    const transformKey = decodeTransformKey(decodeBase64url(approval.transform_key));
    person.devices.set(endorsement.device_id, {
      label: request.label,
      endorsement: approval.endorsement,
      transformKey: this.#engine.augmentTransformKey(transformKey, person.share),
    });
    return this.#change(request, { status: 'approved' });
  }
}
