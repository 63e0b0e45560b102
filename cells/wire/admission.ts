import { type FencingToken, parseFencingToken } from './fencing-token.ts'

/**
 * Lets a peer enter an embedded room (comms.md §13). Admission to an island ends the peer's admission to its previous island;
 * admissions to scenes are independent of it. `revoked` takes the admission to a scene back, and ends the peer's session there.
 */
export interface Admission {
  room: string
  kind: 'island' | 'scene' | 'revoked'
  /** The term of the archipelago that gave it; scene admissions have none. */
  term?: FencingToken
}

export const encodeAdmission = ({ room, kind, term }: Admission): Uint8Array => Buffer.from(JSON.stringify({ room, kind, term }))

/** Undefined when the bytes are no admission. */
export function decodeAdmission(bytes: Uint8Array): Admission | undefined {
  try {
    const { room, kind, term: termText } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
    if (typeof room !== 'string' || (kind !== 'island' && kind !== 'scene' && kind !== 'revoked')) return undefined
    const term = parseFencingToken(typeof termText === 'string' ? termText : undefined)
    return { room, kind, ...(term && { term }) }
  } catch {
    return undefined
  }
}
