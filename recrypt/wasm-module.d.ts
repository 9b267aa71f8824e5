/** The part of the WebAssembly package's glue that the engine calls; the package itself describes only its shim. */
declare module '@ironcorelabs/recrypt-wasm-binding/recrypt_wasm_binding_bg.js' {
  import type {
    EncryptedValueOf,
    KeyPairOf,
    PublicKeyOf,
    SigningKeyPairOf,
    TransformKeyOf,
  } from './value-mapping.ts';

  type Numbers = number[];

  export function __wbg_set_wasm(exports: WebAssembly.Exports): void;

  export class Api256 {
    generateKeyPair(): KeyPairOf<Numbers>;
    generateEd25519KeyPair(): SigningKeyPairOf<Numbers>;
    generatePlaintext(): Uint8Array;
    deriveSymmetricKey(plaintext: Uint8Array): Uint8Array;
    computePublicKey(privateKey: Uint8Array): PublicKeyOf<Numbers>;
    generateTransformKey(
      from: Uint8Array,
      to: PublicKeyOf<Numbers>,
      signingKey: Uint8Array,
    ): TransformKeyOf<Numbers>;
    encrypt(
      plaintext: Uint8Array,
      to: PublicKeyOf<Numbers>,
      signingKey: Uint8Array,
    ): EncryptedValueOf<Numbers>;
    transform(
      value: EncryptedValueOf<Numbers>,
      key: TransformKeyOf<Numbers>,
      signingKey: Uint8Array,
    ): EncryptedValueOf<Numbers>;
    decrypt(value: EncryptedValueOf<Numbers>, privateKey: Uint8Array): Uint8Array;
    schnorrSign(privateKey: Uint8Array, publicKey: PublicKeyOf<Numbers>, message: Uint8Array): Uint8Array;
    schnorrVerify(
      publicKey: PublicKeyOf<Numbers>,
      share: Uint8Array | undefined,
      message: Uint8Array,
      signature: Uint8Array,
    ): boolean;
  }

  export function augmentTransformKey256(
    key: TransformKeyOf<Numbers>,
    share: Uint8Array,
  ): TransformKeyOf<Numbers>;
  export function augmentPublicKey256(
    left: PublicKeyOf<Numbers>,
    right: PublicKeyOf<Numbers>,
  ): PublicKeyOf<Numbers>;
  export function addPrivateKeys(left: Uint8Array, right: Uint8Array): Uint8Array;
  export function subtractPrivateKeys(left: Uint8Array, right: Uint8Array): Uint8Array;
}
