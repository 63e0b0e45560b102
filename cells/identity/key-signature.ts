import type { PeerId } from '../wire/peer.ts'
import { addressOfKey, personalMessageHash } from './ethereum-message.ts'
import type { SignatureLibrary } from './signature-library.ts'

/** r and s, 32 bytes each. */
const RS_CHARACTERS = 128

/**
 * Whether the key of a wallet signed a text.
 *
 * @param signature 65 bytes in hexadecimal, as `readChain` accepts them
 */
export function isSignedByKey(
  library: SignatureLibrary,
  { signer, text, signature }: { signer: PeerId; text: string; signature: string },
): boolean {
  const rsEnd = '0x'.length + RS_CHARACTERS
  const rs = Buffer.from(signature.slice('0x'.length, rsEnd), 'hex')
  const recoveryId = Number.parseInt(signature.slice(rsEnd), 16) % 27 === 1 ? 1 : 0
  try {
    return addressOfKey(library.recover(personalMessageHash(text), rs, recoveryId)) === signer
  } catch {
    return false // no key fits
  }
}
