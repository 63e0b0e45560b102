/** What one who enters a community's chat asks for. */
export interface Entry {
  action: 'create' | 'join' | 'request-to-speak' | 'promote-speaker' | 'demote-speaker' | 'kick-player'
  /** Undefined = as before. */
  role: 'owner' | 'moderator' | 'member' | 'none' | undefined
  name?: string | undefined
  hasClaimedName?: boolean | undefined
  profilePictureUrl?: string | undefined
}

/** A member on record; `metadata` is JSON. */
export interface MemberState {
  isModerator: boolean
  metadata: string
}

/**
 * A member who enters. Who creates the chat and moderates the community speaks from the start; all others listen until they are
 * promoted. A moderator who comes back is what the moderator was before: the connection may have been lost in the middle of a
 * sentence.
 */
export function entryOf(
  before: MemberState | undefined,
  { action, role, name, hasClaimedName, profilePictureUrl }: Entry,
): MemberState {
  const known = before && (JSON.parse(before.metadata) as { role?: string; isSpeaker?: boolean })
  const isModerator = role === undefined ? (before?.isModerator ?? false) : role === 'owner' || role === 'moderator'
  const isSpeaker = isModerator && (action === 'create' || known?.isSpeaker === true)
  const metadata = {
    role: role ?? known?.role ?? 'none',
    isSpeaker,
    muted: false,
    ...(name !== undefined && { name }),
    ...(hasClaimedName !== undefined && { hasClaimedName }),
    ...(profilePictureUrl !== undefined && { profilePictureUrl }),
  }
  return { isModerator, metadata: JSON.stringify(metadata) }
}
