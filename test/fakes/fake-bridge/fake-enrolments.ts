import {
  type EnrolmentOffer,
  enrolmentConfirmationSchema,
  enrolmentRequestSchema,
} from '../../../protocol/api.ts';
import { decodeBase64url, encodeBase64url } from '../../../protocol/base64url.ts';
import { verifyDeviceEndorsement } from '../../../protocol/device.ts';
import { verifyBytes } from '../../../protocol/ed25519.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import {
  type KeyStatement,
  signedStatementBytes,
  signStatement,
  statementHash,
} from '../../../protocol/key-statement.ts';
import { confirmationTranscript, enrolmentTranscript } from '../../../protocol/transcript.ts';
import { decodeTransformKey, preFromJwk, preToJwk } from '../../../recrypt/encoding.ts';
import type { PrePrivateKey, PrePublicKey, TransformEngine } from '../../../recrypt/transform-engine.ts';
import { type Company, testDigest } from '../../protocol/company.ts';
import type { FakePerson } from './fake-person.ts';
import { type Lies, tell } from './lies.ts';

interface Open {
  readonly transcript: Uint8Array;
  readonly statement: KeyStatement;
  readonly share: PrePrivateKey;
  readonly clientHalf: PrePublicKey;
  readonly label: string;
}

/** Enrolment as PROTOCOL §2 has it, each proof really made and really checked. */
export class FakeEnrolments {
  readonly #company: Company;
  readonly #engine: TransformEngine;
  readonly #lies: Lies;
  readonly #now: () => number;
  readonly #open = new Map<string, Open>();

  constructor(company: Company, engine: TransformEngine, lies: Lies, now: () => number) {
    this.#company = company;
    this.#engine = engine;
    this.#lies = lies;
    this.#now = now;
  }

  /** A truthful proof of the share for whatever the offer says: for lies that leave the proof in order. */
  prove(offer: EnrolmentOffer, body: string, accessToken: string, share: PrePrivateKey): EnrolmentOffer {
    const proof = this.#engine.schnorrSign(
      share,
      this.#engine.computePublicKey(share),
      this.#transcript(offer, body, accessToken),
    );
    return { ...offer, share_proof: encodeBase64url(proof) };
  }

  async offer(person: FakePerson, body: string, accessToken: string): Promise<EnrolmentOffer> {
    const request = enrolmentRequestSchema.parse(JSON.parse(body));
    const share = this.#engine.generateKeyPair();
    const clientHalf = preFromJwk(this.#engine, request.client_half);
    const personKey = this.#engine.augmentPublicKey(clientHalf, share.publicKey);
    const unproven: EnrolmentOffer = {
      iss: this.#company.iss,
      enrolment_id: `enrolment-${this.#open.size + 1}`,
      nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(32))),
      policy_hash: testDigest('policy'),
      share: preToJwk(share.publicKey),
      person_key: preToJwk(personKey),
      statement: this.#statement(person, [preToJwk(personKey), request.sig]),
      share_proof: '',
      expires: this.#now() + 300,
    };
    const honest = this.prove(unproven, body, accessToken, share.privateKey);
    this.#open.set(honest.enrolment_id, {
      transcript: this.#transcript(honest, body, accessToken),
      statement: honest.statement,
      share: share.privateKey,
      clientHalf,
      label: request.device_label,
    });
    this.lastBody = body;
    this.lastAccessToken = accessToken;
    this.lastShare = share.privateKey;
    return tell(this.#lies, 'offer', honest);
  }

  /** What the last offer was made from, for lies that prove anew. */
  lastBody = '';
  lastAccessToken = '';
  lastShare: PrePrivateKey = new Uint8Array(32);

  async confirm(person: FakePerson, id: string, body: string): Promise<string> {
    const open = this.#open.get(id);
    if (open === undefined) throw new CountersignError('enrolment_unknown');
    const confirmation = enrolmentConfirmationSchema.parse(JSON.parse(body));
    const { statement } = open;
    const own = confirmation.statement_signature;
    const transformKey = decodeBase64url(confirmation.transform_key);
    const vault = decodeBase64url(confirmation.vault);
    const confirmed = confirmationTranscript(open.transcript, {
      signedStatement: signedStatementBytes({ statement, signatures: [own] }),
      transformKey,
      vault,
    });
    const proven =
      this.#engine.schnorrVerify(
        open.clientHalf,
        confirmed,
        decodeBase64url(confirmation.client_half_proof, 64),
      ) && (await verifyBytes(statement.keys[1], confirmed, confirmation.sig_proof));
    if (!proven) throw new CountersignError('enrolment_proof');
    const endorsement = await verifyDeviceEndorsement(confirmation.endorsement, statement);
    const byBridge =
      statement.reason === undefined ? [] : [await signStatement(this.#company.keys.statement, statement)];
    person.share = open.share;
    person.signed = { statement, signatures: [own, ...byBridge] };
    person.last = statement;
    person.vault = vault;
    person.devices.clear();
    person.devices.set(endorsement.device_id, {
      label: open.label,
      endorsement: confirmation.endorsement,
      transformKey: this.#engine.augmentTransformKey(decodeTransformKey(transformKey), open.share),
    });
    return endorsement.device_id;
  }

  #statement(person: FakePerson, keys: KeyStatement['keys']): KeyStatement {
    const { last } = person;
    const first = this.#company.statement({
      sub: person.sub,
      address: person.address,
      keys,
      since: this.#now(),
    });
    if (last === null) return first;
    const key_version = last.key_version + 1;
    const reason = 're-enrolled' as const;
    return { ...first, version: last.version + 1, prev: statementHash(last), key_version, reason };
  }

  #transcript(offer: EnrolmentOffer, body: string, accessToken: string): Uint8Array<ArrayBuffer> {
    const request = enrolmentRequestSchema.parse(JSON.parse(body));
    return enrolmentTranscript({
      iss: offer.iss,
      accessTokenHash: sha256Base64url(accessToken),
      nonce: offer.nonce,
      enrolmentId: offer.enrolment_id,
      requestId: request.request_id,
      clientHalf: request.client_half,
      share: offer.share,
      personKey: offer.person_key,
      sig: request.sig,
      deviceKey: request.device_key,
      deviceSig: request.device_sig,
      policyHash: offer.policy_hash,
      statementHash: statementHash(offer.statement),
    });
  }
}
