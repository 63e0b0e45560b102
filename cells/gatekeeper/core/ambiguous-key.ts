/** The keys of metadata that a decision may depend on, as dotted paths (gatekeeper.md §2.2). */
const decisiveKeys = [
  'signer',
  'intent',
  'sceneId',
  'parcel',
  'realmName',
  'realm.serverName',
  'realm.hostname',
  'deviceIdentifier',
  'isGuest',
  'secret',
] as const

interface Spelling {
  /** The only accepted spelling of this key. */
  exact: string
  below: Map<string, Spelling>
}

const spellings = new Map<string, Spelling>()
for (const path of decisiveKeys) {
  let level = spellings
  for (const exact of path.split('.')) {
    const spelling = level.get(exact.toLowerCase()) ?? { exact, below: new Map() }
    level.set(exact.toLowerCase(), spelling)
    level = spelling.below
  }
}

/**
 * The first key that equals a decisive one except for its case; undefined when there is none. Keys are compared with the same
 * lower-casing that produces the signed text, so that all keys with the same signature are found, Unicode included.
 */
export function ambiguousKey(
  metadata: Readonly<Record<string, unknown>>,
  level: typeof spellings = spellings,
): string | undefined {
  for (const [key, value] of Object.entries(metadata)) {
    const spelling = level.get(key.toLowerCase())
    if (!spelling) continue
    if (key !== spelling.exact) return key
    if (spelling.below.size === 0 || typeof value !== 'object' || value === null) continue
    const within = ambiguousKey(value as Record<string, unknown>, spelling.below)
    if (within !== undefined) return `${key}.${within}`
  }
  return undefined
}

/**
 * Metadata whose keys are all in lower case, with the decisive keys in their exact spelling: what the text of a legacy signature
 * says.
 */
export function withExactKeys(
  metadata: Readonly<Record<string, unknown>>,
  level: typeof spellings = spellings,
): Record<string, unknown> {
  const restored = Object.entries(metadata).map(([key, value]) => {
    const spelling = level.get(key.toLowerCase())
    if (!spelling) return [key, value]
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return [spelling.exact, isObject ? withExactKeys(value as Record<string, unknown>, spelling.below) : value]
  })
  return Object.fromEntries(restored)
}
