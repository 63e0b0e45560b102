import { DeltaCache } from './delta-cache.ts'
import { ProtoWriter } from './messages/proto-writer.ts'
import { REMEMBERED_STATES, serverMessages } from './messages/server-message.ts'
import type { Player } from './player.ts'
import { MARK } from './view-list.ts'
import type { VisibilityListener } from './visibility.ts'

/** Ticks between two deltas of a player, by tier: each a multiple of the one before. */
const TIER_TICKS: readonly number[] = [1, 2, 4]
/** A player is announced a second time after so long: some clients lose the first announcement, and a second one harms none. */
const REPEAT_JOINED_MS = 10_000

/** Tells the clients of observers what changed of those they see. */
export class ViewSender implements VisibilityListener {
  readonly #writer = new ProtoWriter()
  readonly #deltas = new DeltaCache()
  #tick = 0
  #stride = 1
  #nowMs = 0
  sent = 0

  get encoded(): number {
    return this.#deltas.encoded
  }

  /** @param stride every how many ticks each observer has a round */
  beginTick(tick: number, nowMs: number, stride: number): void {
    this.#tick = tick
    this.#nowMs = nowMs
    this.#stride = stride
    this.#deltas.clear()
  }

  /** The observer sees a player from now on. */
  enter(observer: Player, player: Player, tier: number): void {
    const { views } = observer
    // A player that left and came back before this client was told is another one with the same number.
    const former = views.rowOf(player.subject)
    if (former >= 0) this.leave(observer, former)
    const row = views.add(player, tier)
    views.joinedAts[row] = this.#nowMs
    this.#announce(observer, row, player)
    views.marks[row] = MARK.repeatDue
  }

  /** The observer sees the player of a row no more. */
  leave(observer: Player, row: number): void {
    const subject = observer.views.players[row]?.subject ?? 0
    observer.views.remove(row)
    this.#sendLeft(observer, subject)
  }

  leaveAll(observer: Player): void {
    while (observer.views.count > 0) this.leave(observer, observer.views.count - 1)
  }

  /** The client of the observer is gone, and with it all it knew. */
  forgetViews(observer: Player): void {
    observer.views.clear()
  }

  /** The client cannot go on from the deltas it has, or never got the announcement of a player. */
  requestFull(observer: Player, { subject, knownSequence }: { subject: number; knownSequence: number }): void {
    const { views } = observer
    const row = views.rowOf(subject)
    if (row < 0) this.#sendLeft(observer, subject)
    else views.marks[row] = (views.marks[row] ?? 0) | (knownSequence === 0 ? MARK.playerRequested : MARK.stateRequested)
  }

  /**
   * Sends what is due at this tick, if it is one of the observer's. All views of a tier are due at the same tick, so that they share
   * datagrams; observers take turns. Backwards, because a view may be removed on the way.
   */
  send(observer: Player): void {
    const tick = this.#tick + observer.subject
    if (tick % this.#stride !== 0) return
    const farthest = this.#farthestDue(tick / this.#stride)
    if (observer.views.nearestTier <= farthest) this.#sendTiers(observer, farthest)
  }

  /** The farthest tier that is due in an observer's round; all nearer ones are, too. */
  #farthestDue(round: number): number {
    let tier = TIER_TICKS.length - 1
    while (tier > 0 && round % Math.ceil((TIER_TICKS[tier] ?? 1) / this.#stride) !== 0) tier--
    return tier
  }

  /** Most views have nothing new: they are to be passed over quickly. */
  #sendTiers(observer: Player, farthest: number): void {
    const { views, grid } = observer
    const { players, tiers, marks, sequences, profileVersions } = views
    for (let row = views.count - 1; row >= 0; row--) {
      if ((tiers[row] ?? 0) > farthest) continue
      const player = players[row]
      if (!player) continue
      const sequence = sequences[row] ?? 0
      if (player.grid !== grid) this.leave(observer, row)
      else if (marks[row] !== 0 || profileVersions[row] !== player.profileVersion || player.eventAt > sequence)
        this.#sendMore(observer, row, player)
      else if (player.sequence !== sequence) this.#sendDelta(observer, row, player, sequence)
    }
  }

  /** Sends whatever is due of a view besides changes of the state, then those if they are not in it. */
  #sendMore(observer: Player, row: number, player: Player): void {
    const { views } = observer
    const marks = views.marks[row] ?? 0
    const sequence = views.sequences[row] ?? 0
    if (views.profileVersions[row] !== player.profileVersion) this.#sendProfile(observer, row, player)
    if (marks & MARK.playerRequested || this.#isDueAgain(marks, views.joinedAts[row] ?? 0)) this.#announce(observer, row, player)
    else if (marks & MARK.stateRequested) this.#sendFull(observer, row, player)
    else if (player.sequence === sequence) return
    else if (player.eventAt > sequence) this.#sendEvents(observer, row, player)
    else this.#sendDelta(observer, row, player, sequence)
  }

  #isDueAgain(marks: number, joinedAt: number): boolean {
    return (marks & MARK.repeatDue) !== 0 && this.#nowMs - joinedAt >= REPEAT_JOINED_MS
  }

  /** A player that is announced again needs no repetition. */
  #announce(observer: Player, row: number, player: Player): void {
    serverMessages.joined(this.#writer, player, observer.spelledRealm ?? '')
    observer.client?.sendReliable(this.#writer.bytes)
    observer.views.profileVersions[row] = player.profileVersion
    observer.views.marks[row] = 0
    this.#sentAll(observer, row, player)
    if (player.emote) this.#sendEmote(observer, player)
  }

  #sendLeft(observer: Player, subject: number): void {
    serverMessages.left(this.#writer, subject)
    observer.client?.sendReliable(this.#writer.bytes)
  }

  #sendFull(observer: Player, row: number, player: Player): void {
    serverMessages.full(this.#writer, player)
    observer.client?.sendReliable(this.#writer.bytes)
    this.#sentAll(observer, row, player)
  }

  /** Each of these messages carries the whole state of now, whatever happened since the event. */
  #sendEvents(observer: Player, row: number, player: Player): void {
    const { client } = observer
    const sequence = observer.views.sequences[row] ?? 0
    if (player.teleportedAt > sequence) {
      serverMessages.teleported(this.#writer, player, observer.spelledRealm ?? '')
      client?.sendReliable(this.#writer.bytes)
    }
    if (player.emoteStoppedAt > sequence && player.emoteStoppedAt > player.emoteStartedAt) {
      serverMessages.emoteStopped(this.#writer, player, player.emoteStopReason)
      client?.sendReliable(this.#writer.bytes)
    }
    if (player.emoteStartedAt > sequence && player.emote) this.#sendEmote(observer, player)
    this.#sentAll(observer, row, player)
  }

  #sendEmote(observer: Player, player: Player): void {
    if (!player.emote) return
    serverMessages.emoteStarted(this.#writer, player, player.emote)
    observer.client?.sendReliable(this.#writer.bytes)
  }

  #sendProfile({ client, views }: Player, row: number, player: Player): void {
    views.profileVersions[row] = player.profileVersion
    serverMessages.profile(this.#writer, player.subject, player.profileVersion)
    client?.sendReliable(this.#writer.bytes)
  }

  #sendDelta(observer: Player, row: number, player: Player, sequence: number): void {
    // The state that was sent last may be forgotten, so that no delta can be made from it.
    if (player.sequence - sequence >= REMEMBERED_STATES) {
      this.#sendFull(observer, row, player)
      return
    }
    const { views, client } = observer
    const tier = views.tiers[row] ?? 0
    const deltas = this.#deltas
    const delta = deltas.rowOf(player, sequence, tier, views.sentTiers[row] ?? 0)
    client?.sendUnreliable(deltas.bytes, deltas.startOf(delta), deltas.endOf(delta))
    views.sequences[row] = player.sequence
    views.sentTiers[row] = tier
    this.sent++
  }

  /** The client has the whole state, so that it need not be sent upon request either. */
  #sentAll({ views }: Player, row: number, player: Player): void {
    views.marks[row] = (views.marks[row] ?? 0) & MARK.repeatDue
    views.sequences[row] = player.sequence
    views.sentTiers[row] = 0
  }
}
