import { Refusal } from '../../chassis/errors.ts'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'

/** The wallet that a path names. @throws Refusal INVALID */
export function walletIn(text: string): PeerId {
  const address = parsePeerId(text)
  if (!address) throw new Refusal('INVALID', 'Invalid address')
  return address
}
