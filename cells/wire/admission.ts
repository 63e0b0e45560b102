/**
 * Who may enter which embedded room (comms.md §13). An island admission ends the peer's admission to the island before it;
 * scene admissions stand beside it.
 */
export interface Admission {
  room: string
  kind: 'island' | 'scene'
}

export const encodeAdmission = ({ room, kind }: Admission): Uint8Array => Buffer.from(JSON.stringify({ room, kind }))

/** Nothing when the bytes are no admission. */
export function decodeAdmission(bytes: Uint8Array): Admission | undefined {
  try {
    const { room, kind } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
    return typeof room === 'string' && (kind === 'island' || kind === 'scene') ? { room, kind } : undefined
  } catch {
    return undefined
  }
}
