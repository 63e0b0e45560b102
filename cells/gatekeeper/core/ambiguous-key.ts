/** The keys of metadata that a decision of ours may rest on, as dotted paths (gatekeeper.md §2.2). */
const authorizingKeys = [
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
for (const path of authorizingKeys) {
  let level = spellings
  for (const exact of path.split('.')) {
    const spelling = level.get(exact.toLowerCase()) ?? { exact, below: new Map() }
    level.set(exact.toLowerCase(), spelling)
    level = spelling.below
  }
}

/**
 * The first key that reads as one we rely on once case is ignored, without being spelled exactly so; nothing when there is none.
 * Lower-casing is the very function that makes the signed text, so that whatever shares a signature is found, Unicode included.
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
