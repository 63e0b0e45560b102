import { messageOf } from '../chassis/errors.ts'
import type { Log } from '../chassis/log.ts'
import type { PeerId } from '../wire/peer.ts'

/** A decision that was written to the database, for the parts that enforce it. */
export type ModerationChange =
  | { kind: 'platformBanned' | 'platformUnbanned'; address: PeerId }
  | {
      kind: 'sceneBanned' | 'sceneUnbanned' | 'sceneAdminAdded' | 'sceneAdminRemoved'
      address: PeerId
      placeId: string
      room: string | undefined
    }

export type ModerationListener = (change: ModerationChange) => void | Promise<void>

/** Passes each decision of this process on: bans kept in memory, other replicas, rooms. A listener that fails changes no answer. */
export class ModerationChanges {
  readonly #listeners = new Set<ModerationListener>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Adds a listener; the returned function removes it. */
  on(listener: ModerationListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves when every listener has done its part or failed; a caller that answers first does not wait for it. */
  async emit(change: ModerationChange): Promise<void> {
    await Promise.all(
      [...this.#listeners].map(async (listener) => {
        try {
          await listener(change)
        } catch (error) {
          this.#log.warn({ ...change, error: messageOf(error) }, 'a decision of a moderator could not be passed on')
        }
      }),
    )
  }
}
