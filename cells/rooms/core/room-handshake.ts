import type { Verdict } from '../../identity/verifier.ts'
import { type PeerId, parsePeerId } from '../../wire/peer.ts'
import type { RoomMessage } from '../../wire/room-packets.ts'
import type { RoomCloseReason } from './room-close-reasons.ts'

/** How far a client has come (comms.md §13). */
export type RoomState =
  | { readonly at: 'start' }
  | { readonly at: 'challenged'; readonly challenge: string }
  | { readonly at: 'verifying' }
  /** Its admission may still be on the bus. */
  | { readonly at: 'waiting'; readonly peer: PeerId }
  | { readonly at: 'joined'; readonly peer: PeerId }
  | { readonly at: 'over' }

/** What may happen to a client. */
export type RoomEvent =
  /** A frame arrived; nothing when its bytes are no protobuf. */
  | { is: 'message'; message: RoomMessage | undefined }
  | { is: 'verdict'; verdict: Verdict }
  /** Somebody was admitted somewhere. */
  | { is: 'admission' }
  /** We end it, or it ended. */
  | { is: 'ended'; ending: RoomCloseReason }

/** What there is to do about it. */
export type RoomEffect =
  | { do: 'challenge'; challenge: string; alreadyConnected: boolean }
  | { do: 'verify'; authChainJson: string; challenge: string }
  /** Give its admission a moment to arrive. */
  | { do: 'wait' }
  | { do: 'join'; peer: PeerId }
  | { do: 'relay'; body: Uint8Array; unreliable: boolean }
  | { do: 'leave' }
  | { do: 'end'; ending: RoomCloseReason }

/** What the machine has to know of the world around it. */
export interface RoomFacts {
  /** A challenge nobody can guess, never given twice; Bevy refuses those that do not start with `dcl-`. */
  freshChallenge(): string
  /** Whether the wallet was let into this room. */
  isAdmitted(peer: PeerId): boolean
  /** Whether the wallet is in this room already, in another session. */
  isHere(peer: PeerId): boolean
  /** Whether nobody else fits in. */
  isFull(): boolean
}

/** A step of the machine. */
export interface RoomStep {
  state: RoomState
  effects: readonly RoomEffect[]
}

/** Where every client begins. */
export const START: RoomState = { at: 'start' }

const stay = (state: RoomState): RoomStep => ({ state, effects: [] })

/** What follows from an event. Total: every event has an answer in every state, and nothing follows once it is over. */
export function roomStep(state: RoomState, event: RoomEvent, facts: RoomFacts): RoomStep {
  if (state.at === 'over') return stay(state)
  switch (event.is) {
    case 'ended':
      return ended(state, event.ending)
    case 'verdict':
      if (state.at !== 'verifying') return stay(state)
      return event.verdict.ok ? knock(event.verdict.peer, facts) : ended(state, 'bad_chain')
    case 'admission':
      return state.at === 'waiting' && facts.isAdmitted(state.peer) ? knock(state.peer, facts) : stay(state)
    case 'message':
      return event.message ? heard(state, event.message, facts) : ended(state, 'malformed')
  }
}

function heard(state: RoomState, message: RoomMessage, facts: RoomFacts): RoomStep {
  // §13.6: unknown words are ignored, so that clients may learn them before we do.
  if (message.kind === 'other') return stay(state)
  if (state.at === 'joined') {
    if (message.kind !== 'update') return stay(state)
    return { state, effects: [{ do: 'relay', body: message.body, unreliable: message.unreliable }] }
  }
  if (state.at === 'start' && message.kind === 'identification') {
    const claimed = parsePeerId(message.address)
    if (!claimed) return ended(state, 'bad_address')
    const challenge = facts.freshChallenge()
    return {
      state: { at: 'challenged', challenge },
      effects: [{ do: 'challenge', challenge, alreadyConnected: facts.isHere(claimed) }],
    }
  }
  if (state.at === 'challenged' && message.kind === 'signedChallenge') {
    const { authChainJson } = message
    return { state: { at: 'verifying' }, effects: [{ do: 'verify', authChainJson, challenge: state.challenge }] }
  }
  return ended(state, 'unexpected')
}

/** The wallet that signed stands at the door. */
function knock(peer: PeerId, facts: RoomFacts): RoomStep {
  if (!facts.isAdmitted(peer)) return { state: { at: 'waiting', peer }, effects: [{ do: 'wait' }] }
  // Who is here already takes its own place.
  if (facts.isFull() && !facts.isHere(peer)) return { state: { at: 'over' }, effects: [{ do: 'end', ending: 'room_full' }] }
  return { state: { at: 'joined', peer }, effects: [{ do: 'join', peer }] }
}

const ended = (state: RoomState, ending: RoomCloseReason): RoomStep => ({
  state: { at: 'over' },
  effects: [...(state.at === 'joined' ? [{ do: 'leave' as const }] : []), { do: 'end', ending }],
})
