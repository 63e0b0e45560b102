/** What a person with rights can decide. */
export const moderationActions = [
  'ban',
  'unban',
  'warn',
  'kick',
  'scene-ban',
  'scene-unban',
  'scene-admin-add',
  'scene-admin-remove',
  'stream-start',
  'stream-reset',
  'stream-end',
  'presenter-add',
  'presenter-remove',
] as const
export type ModerationAction = (typeof moderationActions)[number]
