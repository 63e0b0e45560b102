import { type FencingToken, parseFencingToken } from './fencing-token.ts'

/**
 * Who may enter which embedded room (comms.md §13). An island admission ends the peer's admission to the island before it;
 * scene admissions stand beside it.
 */
export interface Admission {
  room: string
  kind: 'island' | 'scene'
  /** Of an archipelago: the term it was given in. */
  term?: FencingToken
}

export const encodeAdmission = ({ room, kind, term }: Admission): Uint8Array => Buffer.from(JSON.stringify({ room, kind, term }))

/** Nothing when the bytes are no admission. */
export function decodeAdmission(bytes: Uint8Array): Admission | undefined {
  try {
    const { room, kind, term: said } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
    if (typeof room !== 'string' || (kind !== 'island' && kind !== 'scene')) return undefined
    const term = parseFencingToken(typeof said === 'string' ? said : undefined)
    return { room, kind, ...(term && { term }) }
  } catch {
    return undefined
  }
}
