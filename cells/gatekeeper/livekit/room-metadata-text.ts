/** Keys of the metadata of a room, each with what is most important first. */
export type MetadataPart = Readonly<Record<string, readonly string[]>>

/** LiveKit sends the metadata to every participant at each change; explorers need those who are near, not everyone. */
export const ROOM_CHARACTERS = 32_000
/** A token is a part of a URL, whose length proxies limit. */
export const TOKEN_CHARACTERS = 2_000

/** As JSON of at most so many characters: of the longest list the last entries are left out, again and again. */
export function boundedMetadata(metadata: MetadataPart, maxCharacters: number): string {
  const kept = Object.entries(metadata).map(([key, list]) => ({ key, list: [...list], length: lengthOf(list) }))
  let excess = kept.reduce((sum, { key, length }) => sum + key.length + 6 + length, 0) - maxCharacters
  while (excess > 0) {
    const longest = kept.reduce((one, other) => (other.length > one.length ? other : one))
    const last = longest.list.pop()
    if (last === undefined) break
    excess -= JSON.stringify(last).length + 1
    longest.length -= JSON.stringify(last).length + 1
  }
  return JSON.stringify(Object.fromEntries(kept.map(({ key, list }) => [key, list])))
}

const lengthOf = (list: readonly string[]): number => list.reduce((sum, entry) => sum + JSON.stringify(entry).length + 1, 0)

/** The metadata of a room with these keys, and those of others as they are. */
export function mergedMetadata(text: string, metadata: MetadataPart): string {
  const bounded = JSON.parse(boundedMetadata(metadata, ROOM_CHARACTERS)) as object
  return JSON.stringify({ ...objectIn(text), ...bounded })
}

/** Whether a room has all of these keys already; to explorers, a list that is missing is an empty one. */
export const sameMetadata = (text: string, metadata: MetadataPart): boolean => {
  const there = objectIn(text)
  const bounded = JSON.parse(boundedMetadata(metadata, ROOM_CHARACTERS)) as Record<string, unknown>
  return Object.entries(bounded).every(([key, list]) => JSON.stringify(there[key] ?? []) === JSON.stringify(list))
}

/** Metadata that is no object counts as none. */
function objectIn(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
