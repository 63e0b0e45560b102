import type { ModerationAction } from '../core/moderation-actions.ts'
import type { ModerationChange } from '../moderation-changes.ts'

/** What an administrator can decide, and what the one who may not, or whose target may not be meant, is answered. */
export const sceneSteps = {
  addAdmin: {
    action: 'scene-admin-add',
    kind: 'sceneAdminAdded',
    refused: 'You do not have permission to add admins to this place',
    privileged: 'Cannot add this address as an admin',
    problems: { banned: 'Cannot add this address as an admin because it is banned from this scene' },
  },
  removeAdmin: {
    action: 'scene-admin-remove',
    kind: 'sceneAdminRemoved',
    refused: 'Only scene admins or the owner can remove admins',
    privileged: 'Cannot remove the user with privileges from this scene',
    problems: { 'no admin': 'The specified admin does not exist or is already inactive' },
  },
  ban: {
    action: 'scene-ban',
    kind: 'sceneBanned',
    refused: 'You do not have permission to ban users from this place',
    privileged: 'Cannot ban this address',
    problems: { 'is admin': 'Cannot ban this address' },
  },
  unban: {
    action: 'scene-unban',
    kind: 'sceneUnbanned',
    refused: 'You do not have permission to unban users from this place',
    privileged: undefined,
    problems: {},
  },
} as const satisfies Record<string, SceneStep>

/** One of them. */
export interface SceneStep {
  action: ModerationAction
  kind: Extract<ModerationChange, { placeId: string }>['kind']
  refused: string
  /** The answer where the target owns or operates the land; undefined where that does not matter. */
  privileged: string | undefined
  /** The answers to results of `SceneRecords` that changed nothing, and are errors. */
  problems: Readonly<Record<string, string>>
}

export type SceneStepName = keyof typeof sceneSteps
