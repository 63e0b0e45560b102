import { longer } from './columns.ts'
import { DeltaCache } from './delta-cache.ts'
import { ProtoWriter } from './messages/proto-writer.ts'
import { REMEMBERED_STATES, serverMessages, TIERS } from './messages/server-message.ts'
import type { Player } from './player.ts'
import type { PlayerEntries } from './player-entries.ts'
import type { SendRates } from './send-rates.ts'
import { MARK, VIEW, VIEW_LENGTH } from './view-list.ts'
import type { VisibilityListener } from './visibility.ts'

/**
 * Who sees more players than this gets the changes of each of them in rounds of their own, so that a datagram per round is about full. For
 * who sees fewer, all changes of a tier share one datagram, and rounds without any need none.
 */
const SPREAD_VIEWS = 40
const FIRST_DELTAS = 128
/** A player is announced a second time after so long: some clients lose the first announcement, and a second one harms none. */
const REPEAT_JOINED_MS = 10_000

/** Tells the clients of observers what changed of those they see. */
export class ViewSender implements VisibilityListener {
  readonly #writer = new ProtoWriter()
  readonly #deltas = new DeltaCache()
  readonly #entries: PlayerEntries
  /** Beginnings and ends of the deltas for one observer, and how many there are. */
  #ranges = new Uint32Array(2 * FIRST_DELTAS)
  #count = 0
  #tick = 0
  #stride = 1
  /** Bits of the number of a round that are zero where a tier is due, by tier. */
  readonly #dueBits = new Uint8Array(TIERS)
  #nowMs = 0
  sent = 0

  constructor(entries: PlayerEntries) {
    this.#entries = entries
  }

  get encoded(): number {
    return this.#deltas.encoded
  }

  beginTick(tick: number, nowMs: number, { stride, tierRounds }: SendRates): void {
    this.#tick = tick
    this.#nowMs = nowMs
    this.#stride = stride
    for (let tier = 0; tier < TIERS; tier++) this.#dueBits[tier] = (tierRounds[tier] ?? 1) - 1
  }

  /** Another player may have its entry from now on. */
  forget(player: Player): void {
    this.#deltas.forget(player.entry)
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
    views.set(row, VIEW.marks, MARK.repeatDue)
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
    else views.mark(row, knownSequence === 0 ? MARK.playerRequested : MARK.stateRequested)
  }

  /** Announces those a second time who were announced long enough ago; to be called now and then. */
  repeat({ views }: Player): void {
    const { joinedAts } = views
    for (let row = 0; row < views.count; row++)
      if (views.get(row, VIEW.marks) & MARK.repeatDue && this.#nowMs - (joinedAts[row] ?? 0) >= REPEAT_JOINED_MS)
        views.mark(row, MARK.playerRequested)
  }

  /** Sends what is due at this tick, if it is one of the observer's: observers take turns. */
  send(observer: Player): void {
    const { views, subject } = observer
    const turn = this.#tick + subject
    if (turn % this.#stride !== 0) return
    this.#deltas.reserve(views.count)
    if (this.#ranges.length < 2 * views.count) this.#ranges = longer(this.#ranges, new Uint32Array(4 * views.count))
    // The changes of a player are due to all who see many at the same tick, so that they share the delta.
    if (views.count > SPREAD_VIEWS) this.#sendDue(observer, Math.floor(this.#tick / this.#stride), 0xff)
    else if (((turn / this.#stride) & (this.#dueBits[views.nearestTier] ?? 0)) === 0)
      this.#sendDue(observer, turn / this.#stride, 0)
    if (this.#count > 0) observer.client?.sendUnreliable(this.#deltas.bytes, this.#ranges, this.#count)
    this.#count = 0
    observer.client?.flush()
  }

  /**
   * Most views have nothing new: they are to be passed over quickly. Backwards, because a view may be removed on the way.
   *
   * @param phaseBits which bits of the phase of a view count for it
   */
  #sendDue(observer: Player, round: number, phaseBits: number): void {
    const { views } = observer
    // Adding a view may have replaced the table, but none is added on the way.
    const { table } = views
    const dueBits = this.#dueBits
    const { changes, sequences } = this.#entries
    for (let row = views.count - 1; row >= 0; row--) {
      const at = row * VIEW_LENGTH
      if ((round + ((table[at + VIEW.phase] as number) & phaseBits)) & (dueBits[table[at + VIEW.tier] as number] as number))
        continue
      const entry = table[at + VIEW.entry] as number
      const count = changes[entry] as number
      const sequence = sequences[entry] as number
      if (count !== table[at + VIEW.seen]) {
        table[at + VIEW.seen] = count
        this.#sendRow(observer, row, at, table)
      } else if (sequence !== table[at + VIEW.sequence]) this.#sendDelta(observer, row, at, table, sequence)
    }
  }

  /** @param at where the row begins in the table */
  #sendRow(observer: Player, row: number, at: number, table: Int32Array): void {
    const player = observer.views.players[row]
    if (!player) return
    const sequence = (table[at + VIEW.sequence] as number) >>> 0
    if (player.grid !== observer.grid) this.leave(observer, row)
    else if (
      ((table[at + VIEW.marks] as number) & MARK.requested) !== 0 ||
      table[at + VIEW.profileVersion] !== player.profileVersion ||
      player.eventAt > sequence
    )
      this.#sendMore(observer, row, player)
    else if (player.sequence !== sequence) this.#sendDelta(observer, row, at, table, player.sequence | 0)
  }

  /** Sends whatever is due of a view besides changes of the state, then those if they are not in it. */
  #sendMore(observer: Player, row: number, player: Player): void {
    const { views } = observer
    const marks = views.get(row, VIEW.marks)
    const sequence = views.get(row, VIEW.sequence) >>> 0
    if (views.get(row, VIEW.profileVersion) !== player.profileVersion) this.#sendProfile(observer, row, player)
    if (marks & MARK.playerRequested) this.#announce(observer, row, player)
    else if (marks & MARK.stateRequested) this.#sendFull(observer, row, player)
    else if (player.sequence === sequence) return
    else if (player.eventAt > sequence) this.#sendEvents(observer, row, player)
    else this.#sendDelta(observer, row, row * VIEW_LENGTH, views.table, player.sequence | 0)
  }

  /** A player that is announced again needs no repetition. */
  #announce(observer: Player, row: number, player: Player): void {
    serverMessages.joined(this.#writer, player, observer.spelledRealm ?? '')
    observer.client?.sendReliable(this.#writer.bytes)
    observer.views.set(row, VIEW.profileVersion, player.profileVersion)
    observer.views.set(row, VIEW.marks, 0)
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
    const sequence = observer.views.get(row, VIEW.sequence) >>> 0
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
    views.set(row, VIEW.profileVersion, player.profileVersion)
    serverMessages.profile(this.#writer, player.subject, player.profileVersion)
    client?.sendReliable(this.#writer.bytes)
  }

  /**
   * As long as the delta was made before, this touches the tables only, and not the player.
   *
   * @param sequence the one of now, as a signed number, as the tables have it
   */
  #sendDelta(observer: Player, row: number, at: number, table: Int32Array, sequence: number): void {
    const baseline = table[at + VIEW.sequence] as number
    const tier = table[at + VIEW.tier] as number
    const sentTier = table[at + VIEW.sentTier] as number
    const deltas = this.#deltas
    if (!deltas.find(table[at + VIEW.entry] as number, baseline, sequence, tier, sentTier)) {
      const player = observer.views.players[row]
      if (!player) return
      // The state that was sent last may be forgotten, so that no delta can be made from it.
      if ((sequence - baseline) >>> 0 >= REMEMBERED_STATES) {
        this.#sendFull(observer, row, player)
        return
      }
      deltas.make(player, baseline, tier, sentTier)
    }
    this.#ranges[2 * this.#count] = deltas.start
    this.#ranges[2 * this.#count + 1] = deltas.end
    this.#count++
    table[at + VIEW.sequence] = sequence
    table[at + VIEW.sentTier] = tier
    this.sent++
  }

  /** The client has the whole state, so that it need not be sent upon request either. */
  #sentAll({ views }: Player, row: number, player: Player): void {
    views.set(row, VIEW.marks, views.get(row, VIEW.marks) & MARK.repeatDue)
    views.set(row, VIEW.sequence, player.sequence)
    views.set(row, VIEW.sentTier, 0)
  }
}
