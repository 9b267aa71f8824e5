/**
 * recrypt's records over any representation of byte strings: `Uint8Array` is ours, `number[]` the WebAssembly
 * package's, `Buffer` the native addon's. Members that are not named here are dropped.
 */
export interface PublicKeyOf<Bytes> {
  readonly x: Bytes;
  readonly y: Bytes;
}

export interface TransformBlockOf<Bytes> {
  readonly publicKey: PublicKeyOf<Bytes>;
  readonly encryptedTempKey: Bytes;
  readonly randomTransformPublicKey: PublicKeyOf<Bytes>;
  readonly randomTransformEncryptedTempKey: Bytes;
}

export interface EncryptedValueOf<Bytes> {
  readonly ephemeralPublicKey: PublicKeyOf<Bytes>;
  readonly encryptedMessage: Bytes;
  readonly authHash: Bytes;
  readonly transformBlocks: readonly TransformBlockOf<Bytes>[];
  readonly publicSigningKey: Bytes;
  readonly signature: Bytes;
}

export interface TransformKeyOf<Bytes> {
  readonly ephemeralPublicKey: PublicKeyOf<Bytes>;
  readonly toPublicKey: PublicKeyOf<Bytes>;
  readonly encryptedTempKey: Bytes;
  readonly hashedTempKey: Bytes;
  readonly publicSigningKey: Bytes;
  readonly signature: Bytes;
}

export interface KeyPairOf<Bytes> {
  readonly privateKey: Bytes;
  readonly publicKey: PublicKeyOf<Bytes>;
}

export interface SigningKeyPairOf<Bytes> {
  readonly privateKey: Bytes;
  readonly publicKey: Bytes;
}

export function mapPublicKey<A, B>(key: PublicKeyOf<A>, map: (bytes: A) => B): PublicKeyOf<B> {
  return { x: map(key.x), y: map(key.y) };
}

export function mapTransformKey<A, B>(key: TransformKeyOf<A>, map: (bytes: A) => B): TransformKeyOf<B> {
  return {
    ephemeralPublicKey: mapPublicKey(key.ephemeralPublicKey, map),
    toPublicKey: mapPublicKey(key.toPublicKey, map),
    encryptedTempKey: map(key.encryptedTempKey),
    hashedTempKey: map(key.hashedTempKey),
    publicSigningKey: map(key.publicSigningKey),
    signature: map(key.signature),
  };
}

export function mapEncryptedValue<A, B>(
  value: EncryptedValueOf<A>,
  map: (bytes: A) => B,
): EncryptedValueOf<B> {
  return {
    ephemeralPublicKey: mapPublicKey(value.ephemeralPublicKey, map),
    encryptedMessage: map(value.encryptedMessage),
    authHash: map(value.authHash),
    transformBlocks: value.transformBlocks.map((block) => ({
      publicKey: mapPublicKey(block.publicKey, map),
      encryptedTempKey: map(block.encryptedTempKey),
      randomTransformPublicKey: mapPublicKey(block.randomTransformPublicKey, map),
      randomTransformEncryptedTempKey: map(block.randomTransformEncryptedTempKey),
    })),
    publicSigningKey: map(value.publicSigningKey),
    signature: map(value.signature),
  };
}
