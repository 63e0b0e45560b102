import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'

/** The file with the checksums of all others, as `sha256sum --check` reads it. */
export const CHECKSUMS = 'SHA256SUMS'
/** Its signature, as `cosign verify-blob` and `openssl dgst -verify` read it: ECDSA over SHA-256, in base64. */
export const SIGNATURE = `${CHECKSUMS}.sig`

/** Writes the checksums of all files of a folder. */
export async function writeChecksums(folder: string): Promise<void> {
  const lines: string[] = []
  for (const name of (await readdir(folder)).toSorted()) {
    const hash = createHash('sha256')
    await pipeline(createReadStream(join(folder, name)), hash)
    lines.push(`${hash.digest('hex')}  ${name}\n`)
  }
  await writeFile(join(folder, CHECKSUMS), lines.join(''))
}

/**
 * Signs the checksums, and writes the public key beside them.
 *
 * @param keyPem private key of ECDSA on P-256, PKCS #8 in PEM without a password
 * @throws UserError when it is no such key
 */
export async function signChecksums(folder: string, keyPem: string): Promise<void> {
  const key = keyOf(keyPem)
  const signature = sign('sha256', await readFile(join(folder, CHECKSUMS)), key)
  await writeFile(join(folder, SIGNATURE), `${signature.toString('base64')}\n`)
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' })
  await writeFile(join(folder, 'release.pub'), publicKey)
}

function keyOf(pem: string) {
  let key: ReturnType<typeof createPrivateKey>
  try {
    key = createPrivateKey(pem)
  } catch (error) {
    throw new UserError(`the key is no private key in PEM without a password: ${messageOf(error)}`)
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new UserError('the key is not of ECDSA on P-256: make one with openssl ecparam -name prime256v1 -genkey -noout')
  return key
}
