import { importPKCS8 } from 'jose';
import { type ClientAuth, ClientSecretBasic, ClientSecretPost, None, PrivateKeyJwt } from 'openid-client';
import { CountersignError } from '../../../protocol/errors.ts';
import type { CheckedOidcSettings } from './settings.ts';

/**
 * How the token request proves who asks, as the connection's settings say.
 *
 * @throws CountersignError `config_invalid` when the private key does not fit its algorithm.
 */
export async function clientAuthentication(
  settings: CheckedOidcSettings['authentication'],
): Promise<ClientAuth> {
  switch (settings.method) {
    case 'client_secret_post':
      return ClientSecretPost(settings.secret);
    case 'client_secret_basic':
      return ClientSecretBasic(settings.secret);
    case 'client_secret_basic_raw':
      return rawBasic(settings.secret);
    case 'private_key_jwt': {
      const key = await privateKey(settings.privateKey, settings.algorithm);
      return PrivateKeyJwt(settings.keyId === undefined ? key : { key, kid: settings.keyId });
    }
    case 'none':
      return None();
  }
}

function rawBasic(secret: string): ClientAuth {
  return (_server, client, _body, headers) => {
    const credentials = Buffer.from(`${client.client_id}:${secret}`).toString('base64');
    headers.set('authorization', `Basic ${credentials}`);
  };
}

async function privateKey(pem: string, algorithm: string): Promise<CryptoKey> {
  try {
    return await importPKCS8(pem, algorithm);
  } catch (cause) {
    throw new CountersignError('config_invalid', `authentication.privateKey: not a key for ${algorithm}`, {
      cause,
    });
  }
}
