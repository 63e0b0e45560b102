import { Authenticator } from '@dcl/crypto'
import { describe, expect, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { addressOfKey, personalMessageHash } from './ethereum-message.ts'
import { loadSignatureLibrary, nativeLibrary, wasmLibrary } from './signature-library.ts'

const wallet = createWallet('signature library')
const hash = personalMessageHash('dcl-1')
const signed = Buffer.from(Authenticator.createSignature(wallet.identity, 'dcl-1').slice(2), 'hex')
const [rs, recoveryId] = [signed.subarray(0, 64), signed[64] === 28 ? 1 : 0] as const

/** Where the package has a native library that needs no compiler. */
const prebuilt = ['linux-x64', 'win32-x64', 'darwin-arm64'].includes(`${process.platform}-${process.arch}`)
const native = await nativeLibrary()

test.runIf(prebuilt)('the native library is loaded where it is prebuilt', async () => {
  expect(native?.name).toBe('native')
  expect((await loadSignatureLibrary()).name).toBe('native')
})

describe.each([native, await wasmLibrary()].filter((library) => library !== undefined))('the $name library', (library) => {
  test('finds the key that signed', () => {
    const key = library.recover(hash, rs, recoveryId)
    expect(Buffer.from(key.subarray(1)).toString('hex')).toBe(wallet.identity.publicKey)
    expect(addressOfKey(key)).toBe(wallet.peer)
  })

  test.each([
    ['zeros', new Uint8Array(64)],
    ['numbers beyond the curve', new Uint8Array(64).fill(255)],
    ['too few bytes', new Uint8Array(63)],
  ])('throws at a signature of %s', (_, signature) => {
    expect(() => library.recover(hash, signature, 0)).toThrow()
  })
})
