/** Finds out whose key made a signature over a hash of 32 bytes. */
export interface SignatureLibrary {
  /** `native` is libsecp256k1 as a library of the machine; `wasm` takes about five times as long. */
  readonly name: 'native' | 'wasm'
  /**
   * The public key that made the signature: 65 bytes, the first of them 4.
   *
   * @param signature r and s, 32 bytes each
   * @param recoveryId which of the two keys that fit
   * @throws when no key fits
   */
  recover(hash: Uint8Array, signature: Uint8Array, recoveryId: 0 | 1): Uint8Array
}

/**
 * The fastest library this machine can load. The native one is prebuilt for x64 Linux and Windows and for arm64 macOS; elsewhere it
 * is there only where it was compiled (`npm rebuild secp256k1`).
 */
export const loadSignatureLibrary = async (): Promise<SignatureLibrary> => (await nativeLibrary()) ?? (await wasmLibrary())

/** Undefined where the native library is not built for this machine. */
export async function nativeLibrary(): Promise<SignatureLibrary | undefined> {
  // Not the main module of the package, which hides that it fell back to a slow library of its own.
  const native = await import('secp256k1/bindings.js').catch(() => undefined)
  if (!native) return undefined
  const { ecdsaRecover } = native.default
  return { name: 'native', recover: (hash, signature, id) => ecdsaRecover(signature, id, hash, false) }
}

export async function wasmLibrary(): Promise<SignatureLibrary> {
  const { recover } = await import('tiny-secp256k1')
  return {
    name: 'wasm',
    recover(hash, signature, id) {
      const key = recover(hash, signature, id, false)
      if (!key) throw new Error('no key fits')
      return key
    },
  }
}
