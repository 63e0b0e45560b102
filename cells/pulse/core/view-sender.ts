import { DeltaCache } from './delta-cache.ts'
import { ProtoWriter } from './messages/proto-writer.ts'
import { serverMessages } from './messages/server-message.ts'
import { type Player, View } from './player.ts'

/** Ticks between two deltas of a player, by tier. */
const TIER_TICKS: readonly number[] = [1, 2, 4]
/** A player is announced a second time after so long: some clients lose the first announcement, and a second one harms none. */
const REPEAT_JOINED_MS = 10_000

/** Tells the clients of observers what changed of those they see. */
export class ViewSender {
  readonly #writer = new ProtoWriter()
  readonly #deltas = new DeltaCache()
  #tick = 0
  #nowMs = 0
  sent = 0

  get encoded(): number {
    return this.#deltas.encoded
  }

  beginTick(tick: number, nowMs: number): void {
    this.#tick = tick
    this.#nowMs = nowMs
    this.#deltas.clear()
  }

  /** The observer sees a player from now on. */
  join(observer: Player, player: Player, tier: number): void {
    // A player that left and came back before this client was told is another one with the same number.
    this.leave(observer, player)
    const view = new View(player, tier, this.#nowMs)
    view.index = observer.views.push(view) - 1
    observer.viewOf.set(player.subject, view)
    this.#announce(observer, view)
  }

  /** The observer sees a player no more. */
  leave(observer: Player, { subject }: Player): void {
    const view = observer.viewOf.get(subject)
    if (!view) return
    observer.viewOf.delete(subject)
    const last = observer.views.pop()
    if (last && last !== view) {
      observer.views[view.index] = last
      last.index = view.index
    }
    serverMessages.left(this.#writer, subject)
    observer.client?.sendReliable(this.#writer.bytes)
  }

  leaveAll(observer: Player): void {
    for (const { player } of [...observer.views]) this.leave(observer, player)
  }

  /** The client of the observer is gone, and with it all it knew. */
  forgetViews(observer: Player): void {
    observer.views.length = 0
    observer.viewOf.clear()
  }

  /** The client cannot go on from the deltas it has, or never got the announcement of a player. */
  requestFull(observer: Player, { subject, knownSequence }: { subject: number; knownSequence: number }): void {
    const view = observer.viewOf.get(subject)
    if (view) {
      view.requested = knownSequence === 0 ? 'player' : 'state'
      return
    }
    serverMessages.left(this.#writer, subject)
    observer.client?.sendReliable(this.#writer.bytes)
  }

  /** Sends what is due at this tick. Backwards, because a view may be removed on the way. */
  send(observer: Player): void {
    for (let i = observer.views.length - 1; i >= 0; i--) {
      const view = observer.views[i]
      if (view) this.#sendView(observer, view)
    }
  }

  #sendView(observer: Player, view: View): void {
    // Tiers take turns: a view that is not due is not looked at any further, for that is most of the work.
    if ((this.#tick + view.turn) % (TIER_TICKS[view.tier] ?? 1) !== 0) return
    const { player } = view
    if (player.isGone || player.realm !== observer.realm) {
      this.leave(observer, player)
      return
    }
    if (view.profileVersion !== player.profileVersion) this.#sendProfile(observer, view)
    if (view.requested === 'player' || this.#isDueAgain(view)) this.#announceAgain(observer, view)
    else if (view.requested === 'state') this.#sendFull(observer, view)
    else if (player.sequence === view.sequence) return
    else if (player.eventAt > view.sequence) this.#sendEvents(observer, view)
    else this.#sendDelta(observer, view)
  }

  #isDueAgain({ joinedAt }: View): boolean {
    return joinedAt !== undefined && this.#nowMs - joinedAt >= REPEAT_JOINED_MS
  }

  #announce(observer: Player, view: View): void {
    const { player } = view
    serverMessages.joined(this.#writer, player, observer.spelledRealm ?? '')
    observer.client?.sendReliable(this.#writer.bytes)
    view.profileVersion = player.profileVersion
    this.#sentAll(view)
    if (player.emote) this.#sendEmote(observer, player)
  }

  #announceAgain(observer: Player, view: View): void {
    view.joinedAt = undefined
    this.#announce(observer, view)
  }

  #sendFull(observer: Player, view: View): void {
    serverMessages.full(this.#writer, view.player)
    observer.client?.sendReliable(this.#writer.bytes)
    this.#sentAll(view)
  }

  /** Each of these messages carries the whole state of now, whatever happened since the event. */
  #sendEvents(observer: Player, view: View): void {
    const { player, sequence } = view
    const { client } = observer
    if (player.teleportedAt > sequence) {
      serverMessages.teleported(this.#writer, player, observer.spelledRealm ?? '')
      client?.sendReliable(this.#writer.bytes)
    }
    if (player.emoteStoppedAt > sequence && player.emoteStoppedAt > player.emoteStartedAt) {
      serverMessages.emoteStopped(this.#writer, player, player.emoteStopReason)
      client?.sendReliable(this.#writer.bytes)
    }
    if (player.emoteStartedAt > sequence && player.emote) this.#sendEmote(observer, player)
    this.#sentAll(view)
  }

  #sendEmote(observer: Player, player: Player): void {
    if (!player.emote) return
    serverMessages.emoteStarted(this.#writer, player, player.emote)
    observer.client?.sendReliable(this.#writer.bytes)
  }

  #sendProfile(observer: Player, view: View): void {
    view.profileVersion = view.player.profileVersion
    serverMessages.profile(this.#writer, view.player.subject, view.profileVersion)
    observer.client?.sendReliable(this.#writer.bytes)
  }

  #sendDelta(observer: Player, view: View): void {
    if (!view.hasBaseline) {
      this.#sendFull(observer, view)
      return
    }
    const { player, tier } = view
    observer.client?.sendUnreliable(this.#deltas.get(player, view.sequence, tier, view.sentTier))
    view.sequence = player.sequence
    view.sentTier = tier
    this.sent++
  }

  #sentAll(view: View): void {
    view.requested = 'nothing'
    view.sequence = view.player.sequence
    view.sentTier = 0
  }
}
