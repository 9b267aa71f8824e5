import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../protocol/bytes.ts';
import { sha256, sha256Base64url } from '../../protocol/hash.ts';
import { signedStatementBytes, statementHash } from '../../protocol/key-statement.ts';
import {
  confirmationTranscript,
  type EnrolmentTranscript,
  enrolmentTranscript,
} from '../../protocol/transcript.ts';
import { type Company, makeCompany, testDigest, testEncryptionKey, testKey } from './company.ts';

let acme: Company;
let parts: EnrolmentTranscript;

beforeAll(async () => {
  acme = await makeCompany();
  parts = {
    iss: acme.iss,
    accessTokenHash: testDigest('token'),
    nonce: testDigest('nonce'),
    enrolmentId: 'enrolment-1',
    requestId: 'request-1',
    clientHalf: testEncryptionKey('U'),
    share: testEncryptionKey('S'),
    personKey: acme.person.pre,
    sig: acme.person.sig.publicKey,
    deviceKey: acme.device.pre,
    deviceSig: acme.device.sig.publicKey,
    policyHash: testDigest('policy'),
    statementHash: statementHash(acme.statement()),
  };
});

describe('the enrolment transcript', () => {
  it('has the bytes of version 1', () => {
    expect(new TextDecoder().decode(enrolmentTranscript(parts))).toBe(
      'countersign/enrolment/v1\n' +
        '{"access_token_hash":"PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A",' +
        '"client_half":{"crv":"recrypt-256","kty":"EC","x":"HRctwRkh5KCYG-V029ZWnk2MCboIfo-i3sRASVoI0G8",' +
        '"y":"_lD2wT-x3iV_rWiClQ9rXDPI23R3owqTS30uv6H69bo"},' +
        '"device_key":{"crv":"recrypt-256","kty":"EC","x":"imI6QIcbMJ-_BXa8ZiPIhGWffMkhNx3CkxzhjPowISk",' +
        '"y":"6rvoN6Raf9OkX9FHEA4DEjuu1vtOE0JT48WW-etj8Qw"},' +
        '"device_sig":{"crv":"Ed25519","kty":"OKP","x":"uLLeydIcTjKryEd1csWWAgw5fcCOgviWvahLllBF_Ko"},' +
        '"enrolment_id":"enrolment-1","iss":"https://bridge.acme.example",' +
        '"nonce":"eDd7UldXtJRCf4kBT5fXmSjzk40U61HiD7XeyYNOswQ",' +
        '"person_key":{"crv":"recrypt-256","kty":"EC","x":"pP7SN1imIRpIMsA_RdngRnKTiBzQfzmFZlHTpgmsDv0",' +
        '"y":"sSgywrRof7gdmjKy24rtPfmWOaUUFRKRv5JlMMR2Mnk"},' +
        '"policy_hash":"gjQS0erLZ5ViIOUylZ8BBGAwV8iHBIY8o4580Yj9qBI","request_id":"request-1",' +
        '"share":{"crv":"recrypt-256","kty":"EC","x":"yizaGWCH_qe0ZV0I2UPk67XoR9Nzm-K5wLfp47NZ5IM",' +
        '"y":"iLJ_1f30MD0w0XfLDB0Xhftv8umHU9u794YUiEuNl1E"},' +
        '"sig":{"crv":"Ed25519","kty":"OKP","x":"SDEgEx0FrMQEGjOO8mpCaC9I8KjQqPesuDi0M6KP0j0"},' +
        '"statement_hash":"u4pBEq9GSsF6tMg_aK55tXGa-1eDRaJHK-jVzXurGFA"}',
    );
  });

  it('is another for another bridge, token, nonce, request, person, device, policy or statement', async () => {
    const other = testEncryptionKey('other');
    const otherSig = (await testKey('other')).publicKey;
    const changes: Required<{ [Name in keyof EnrolmentTranscript]: EnrolmentTranscript[Name] }> = {
      iss: 'https://bridge.globex.example',
      accessTokenHash: testDigest('other'),
      nonce: testDigest('other'),
      enrolmentId: 'enrolment-2',
      requestId: 'request-2',
      clientHalf: other,
      share: other,
      personKey: other,
      sig: otherSig,
      deviceKey: other,
      deviceSig: otherSig,
      policyHash: testDigest('other'),
      statementHash: testDigest('other'),
    };
    const hashes = Object.entries(changes).map(([name, value]) =>
      sha256Base64url(enrolmentTranscript({ ...parts, [name]: value })),
    );
    hashes.push(sha256Base64url(enrolmentTranscript(parts)));
    expect(new Set(hashes).size).toBe(14);
  });

  it('tells U, S, U′ and D apart', () => {
    const exchanged = { ...parts, clientHalf: parts.share, share: parts.clientHalf };
    expect(enrolmentTranscript(exchanged)).not.toEqual(enrolmentTranscript(parts));
  });
});

describe('the confirmation transcript', () => {
  it('has the bytes of version 1: T and three hashes', async () => {
    const transcript = enrolmentTranscript(parts);
    const signedStatement = signedStatementBytes(await acme.signedStatement());
    const [transformKey, vault] = [utf8('transform key'), utf8('vault')];
    const confirmed = confirmationTranscript(transcript, { signedStatement, transformKey, vault });
    expect(confirmed).toEqual(
      concatBytes(transcript, sha256(signedStatement), sha256(transformKey), sha256(vault)),
    );
    expect(sha256Base64url(confirmed)).toBe('Ir85iRMGvc1BfmcBgUj5GmQ-X65LHJwvqA7lAdRVK-M');
  });

  it('is another when two parts change places', () => {
    const [a, b, c] = [utf8('a'), utf8('b'), utf8('c')];
    const transcript = enrolmentTranscript(parts);
    const one = confirmationTranscript(transcript, { signedStatement: a, transformKey: b, vault: c });
    const other = confirmationTranscript(transcript, { signedStatement: a, transformKey: c, vault: b });
    expect(one).not.toEqual(other);
  });
});
