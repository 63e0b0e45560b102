/** The native half of the package `secp256k1`, which has no types: what is called of it here. */
declare module 'secp256k1/bindings.js' {
  const bindings: {
    publicKeyCreate(privateKey: Uint8Array, compressed: boolean): Uint8Array
    ecdsaSign(hash: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number }
    ecdsaRecover(signature: Uint8Array, recoveryId: number, hash: Uint8Array, compressed: boolean): Uint8Array
  }
  export default bindings
}
