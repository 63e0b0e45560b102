import type { ChainVerdict } from '../../identity/verifier.ts'
import {
  type ClosedState,
  closed,
  type SignInFacts,
  type SignInState,
  type SocketEffect,
  type SocketEvent,
  signIn,
  type Transition,
  unchanged,
} from '../../sockets/core/sign-in.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { RoomMessage } from '../../wire/room-packets.ts'
import type { RoomCloseReason } from './room-close-reasons.ts'

/** How far a client has come (comms.md §13). */
export type RoomState =
  | SignInState
  /** Its admission may still be on the bus. */
  | { readonly at: 'waiting'; readonly peer: PeerId }
  | { readonly at: 'joined'; readonly peer: PeerId }
  | ClosedState

export type RoomEvent =
  | SocketEvent<RoomMessage, RoomCloseReason>
  /** The signature was checked, and the wallet looked up among the banned. */
  | { is: 'verdict'; verdict: ChainVerdict; banned: boolean }
  /** An admission of any peer arrived. */
  | { is: 'admission' }

/** What there is to do after an event, in order. */
export type RoomEffect =
  | SocketEffect<RoomCloseReason>
  /** Give its admission a moment to arrive. */
  | { do: 'wait' }
  | { do: 'join'; peer: PeerId }
  | { do: 'relay'; body: Uint8Array; unreliable: boolean }
  | { do: 'leave' }

/** A wallet on the deny list is refused when it is claimed, and again when it signed. */
export interface RoomFacts extends SignInFacts<'denied'> {
  /** Whether the wallet was admitted to this room. */
  isAdmitted(peer: PeerId): boolean
  /** Whether the room has as many members as it may have. */
  isFull(): boolean
}

export type RoomTransition = Transition<RoomState, RoomEffect>

/** The transition for an event. Total: every event is handled in every state, and a closed socket stays closed. */
export function roomTransition(state: RoomState, event: RoomEvent, facts: RoomFacts): RoomTransition {
  if (state.at === 'closed') return unchanged(state)
  switch (event.is) {
    case 'ended':
      return ended(state, event.reason)
    case 'verdict':
      if (state.at !== 'verifying') return unchanged(state)
      return verified(event.verdict, event.banned, facts)
    case 'admission':
      return state.at === 'waiting' && facts.isAdmitted(state.peer) ? enter(state.peer, facts) : unchanged(state)
    case 'message':
      return event.message ? received(state, event.message, facts) : ended(state, 'malformed')
  }
}

function received(state: Exclude<RoomState, ClosedState>, message: RoomMessage, facts: RoomFacts): RoomTransition {
  // §13.6: unknown messages are ignored, so that clients may learn them before the rooms do.
  if (message.kind === 'other') return unchanged(state)
  if (state.at === 'joined') {
    if (message.kind !== 'update') return unchanged(state)
    return { state, effects: [{ do: 'relay', body: message.body, unreliable: message.unreliable }] }
  }
  return state.at === 'waiting' ? closed('unexpected') : signIn(state, message, facts)
}

function verified(verdict: ChainVerdict, banned: boolean, facts: RoomFacts): RoomTransition {
  if (!verdict.ok) return closed(verdict.undecided ? 'busy' : 'bad_chain')
  const refusal = facts.refusalOf(verdict.peer)
  if (refusal) return closed(refusal)
  return banned ? closed('banned') : enter(verdict.peer, facts)
}

/** Lets the wallet that signed into the room, or waits for its admission. */
function enter(peer: PeerId, facts: RoomFacts): RoomTransition {
  if (!facts.isAdmitted(peer)) return { state: { at: 'waiting', peer }, effects: [{ do: 'wait' }] }
  // A peer that is already in the room replaces its own session.
  if (facts.isFull() && !facts.isConnected(peer)) return closed('room_full')
  return { state: { at: 'joined', peer }, effects: [{ do: 'join', peer }] }
}

function ended(state: RoomState, reason: RoomCloseReason): RoomTransition {
  const end = closed(reason)
  return state.at === 'joined' ? { state: end.state, effects: [{ do: 'leave' }, ...end.effects] } : end
}
