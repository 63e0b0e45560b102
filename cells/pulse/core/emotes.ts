import type { EmoteRequest } from './messages/pulse-request.ts'
import { EMOTE_STOP_REASON } from './messages/server-message.ts'
import type { Player } from './player.ts'

/** The players who show an emote. Ticks are those of the relay. */
export class Emotes {
  readonly #players = new Set<Player>()

  /** Starts an emote at a tick, which may be one of before. */
  start(player: Player, emote: EmoteRequest, startTick: number): void {
    player.startEmote(emote, startTick)
    this.#players.add(player)
  }

  /** Its emote has started at another relay. */
  resume(player: Player): void {
    if (player.emote) this.#players.add(player)
  }

  /** Ends an emote before its time; observers are told with the state of now. */
  stop(player: Player, tick: number): void {
    if (player.emote) this.#end(player, EMOTE_STOP_REASON.cancelled, tick)
  }

  /** With the state that the player has just taken, whatever it showed has ended. */
  interrupt(player: Player): void {
    if (player.emote) player.stopEmote(EMOTE_STOP_REASON.cancelled)
    this.#players.delete(player)
  }

  /** Ends those whose time is over. */
  endDue(tick: number): void {
    for (const player of this.#players) {
      const { endTick } = player.emote ?? {}
      if (endTick !== undefined && endTick <= tick) this.#end(player, EMOTE_STOP_REASON.completed, tick)
    }
  }

  /** The player is gone. */
  forget(player: Player): void {
    this.#players.delete(player)
  }

  #end(player: Player, reason: number, tick: number): void {
    this.#players.delete(player)
    player.become(player.state(), tick)
    player.stopEmote(reason)
  }
}
